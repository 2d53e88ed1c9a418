/** For which customer a call is: whom it names, and whom its key lets it name. Settled before anything else. */

import { ApiError } from "../http/errors.ts";
import type { Caller } from "../http/auth.ts";
import type { JsonObject } from "../platform/json.ts";
import { customerOfToken } from "./customer-token.ts";
import type { Gateway } from "./gateway.ts";
import { customerOf, idsIn, refuseJunk, type Naming } from "./identify.ts";
import { customerBlocked } from "./refusal.ts";

/** Enough of an id to recognise it by; a megabyte is not echoed. */
const ID_CHARS_SHOWN = 100;

type Parts = Pick<Gateway, "customers" | "signingSecret" | "clock" | "metrics">;

/** Null if the call is for nobody, and may be. */
export async function customerFor(
  naming: Naming,
  caller: Caller,
  parts: Parts,
): Promise<string | null> {
  const { customers, metrics } = parts;
  if (customers.enforceUser) requireUser(naming.body);
  const customer = await ruledCustomer(naming, caller, parts);
  if (customer !== null && customers.blocked.has(customer)) {
    metrics.refused("customer_blocked");
    throw customerBlocked(customer);
  }
  return customer;
}

function ruledCustomer(
  naming: Naming,
  { key }: Caller,
  { customers: rules, signingSecret, clock }: Parts,
): string | null | Promise<string> {
  // The master key may name anybody.
  if (key === null) return customerOf(naming, rules);
  const { rule } = key;
  switch (rule.mode) {
    case "any":
      return customerOf(naming, rules);
    case "required":
      return required(customerOf(naming, rules));
    case "prefix": {
      const customer = required(customerOf(naming, rules));
      if (!customer.startsWith(rule.prefix)) throw notAllowed(customer);
      return customer;
    }
    case "bound":
      return noOther(rule.customer, naming, rules);
    case "signed":
      return customerOfToken(naming.headers, signingSecret(key.secretHash), clock.now()).then(
        (id) => {
          refuseJunk(id, rules);
          return noOther(id, naming, rules);
        },
      );
  }
}

/** Whatever the call names, in whichever place, has to be this customer: the others must not be read into it later. */
function noOther(customer: string, naming: Naming, rules: Parts["customers"]): string {
  for (const id of idsIn(naming, rules)) if (id !== customer) throw notAllowed(id);
  return customer;
}

function required(customer: string | null): string {
  if (customer !== null) return customer;
  const message = "This key's calls must name a customer, and this one names none.";
  throw new ApiError("customer_required", message, { param: "user" });
}

function notAllowed(id: string): ApiError {
  const shown = id.length > ID_CHARS_SHOWN ? `${id.slice(0, ID_CHARS_SHOWN)}…` : id;
  const message = `This key may not name the customer ${shown}.`;
  return new ApiError("customer_not_allowed", message, { param: "user" });
}

/** LiteLLM's words, and its rule that a header does not stand for the body's field. */
function requireUser(body: JsonObject): void {
  if (Object.hasOwn(body, "user")) return;
  const message = "Authentication Error, 'user' param not passed in. 'enforce_user_param'=True";
  throw new ApiError("authentication", message, { param: "None" });
}
