/** Which deployment a call is for, and at what price. */

import type { Caller } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import type { Call } from "./call.ts";
import type { Gateway } from "./gateway.ts";
import type { Asking } from "./reserve.ts";

export function route(call: Call, caller: Caller, gateway: Gateway): Asking {
  const deployment = gateway.deployments.get(call.model)?.[0];
  if (deployment === undefined) {
    const message = `The model "${shown(call.model)}" does not exist. See GET /v1/models.`;
    throw new ApiError("model_not_found", message, { param: "model" });
  }
  const at = gateway.clock.now();
  const price = gateway.prices.priceOf(deployment.config, at);
  return { call, caller, deployment, price, inputTokens: null, at };
}

/** Enough of a name to recognise it; a megabyte is not echoed. */
function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
