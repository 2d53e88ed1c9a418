/** How a call may still be made that was refused as it was: some refusals are for one way of making it only. */

import type { Refusal } from "../ledger/command.ts";
import type { Gateway } from "./gateway.ts";
import type { Asking } from "./reserve.ts";
import { standInsFor } from "./route.ts";

/** Null if there is no other. */
export function otherWay(asking: Asking, refusal: Refusal, gateway: Gateway): Asking | null {
  if (refusal.name === "unknown_customer") return withoutCustomer(asking, gateway);
  // Whatever a later attempt may try stands in its own list already.
  if (refusal.name !== "region_denied" || asking.attempts.length > 0) return null;
  return inRegion(asking, refusal, gateway);
}

/** A key that must name a customer, or may name only some, would else be used for nobody by naming anybody. */
function withoutCustomer(asking: Asking, { customers }: Gateway): Asking | null {
  const { call, caller } = asking;
  const mayNameNobody = caller.key === null || caller.key.rule.mode === "any";
  if (!customers.dropsUnknown || !mayNameNobody) return null;
  return { ...asking, call: { ...call, customer: null } };
}

/** By other deployments of the model, else by the customer's default model: whichever are in the region. */
function inRegion(
  asking: Asking,
  { region, defaultModel }: Extract<Refusal, { readonly name: "region_denied" }>,
  gateway: Gateway,
): Asking | null {
  const { call, at } = asking;
  for (const model of defaultModel === null ? [call.model] : [call.model, defaultModel]) {
    const pool = standInsFor(call, model, gateway, region);
    const [deployment] = pool;
    if (deployment === undefined) continue;
    const price = gateway.prices.priceOf(deployment.config, at);
    return { ...asking, call: { ...call, model }, deployment, pool, price };
  }
  return null;
}
