/** How a call may still be made that was refused as it was: some refusals are for one way of making it only. */

import type { Refusal } from "../ledger/command.ts";
import type { Gateway } from "./gateway.ts";
import type { Asking } from "./reserve.ts";
import { speaks } from "./route.ts";

type Parts = Pick<Gateway, "customers" | "deployments" | "prices">;

/** Null if there is no other. */
export function otherWay(asking: Asking, refusal: Refusal, parts: Parts): Asking | null {
  if (refusal.name === "unknown_customer") return withoutCustomer(asking, parts);
  return refusal.name === "region_denied" ? inRegion(asking, refusal, parts) : null;
}

/** A key that must name a customer, or may name only some, would else be used for nobody by naming anybody. */
function withoutCustomer(asking: Asking, { customers }: Parts): Asking | null {
  const { call, caller } = asking;
  const mayNameNobody = caller.key === null || caller.key.rule.mode === "any";
  if (!customers.dropsUnknown || !mayNameNobody) return null;
  return { ...asking, call: { ...call, customer: null } };
}

/** By another deployment of the model, else by the customer's default model: whichever is in the region. */
function inRegion(
  asking: Asking,
  { region, defaultModel }: Extract<Refusal, { readonly name: "region_denied" }>,
  { deployments, prices }: Parts,
): Asking | null {
  const { call, at } = asking;
  for (const model of defaultModel === null ? [call.model] : [call.model, defaultModel]) {
    const deployment = deployments
      .get(model)
      ?.find((one) => one.config.region === region && speaks(one, call));
    if (deployment === undefined) continue;
    const price = prices.priceOf(deployment.config, at);
    return { ...asking, call: { ...call, model }, deployment, price };
  }
  return null;
}
