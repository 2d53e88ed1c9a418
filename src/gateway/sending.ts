/** What goes to the provider: the client's body with the deployment's model and the bounds that the hold pays for. */

import type { Json, JsonObject } from "../platform/json.ts";
import { isObject } from "../platform/json.ts";
import type { Call } from "./call.ts";
import type { Sending } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { idHeaders, standingHeaders, type Headers } from "./headers.ts";
import type { Reserved } from "./reserve.ts";

export function sending(
  call: Call,
  deployment: Deployment,
  reserved: Reserved,
  gateway: Gateway,
): Sending {
  const { hold, quote } = reserved;
  const { config, provider } = deployment;
  const { origin, path, headers } = provider.address(config, call.upstreamPath);
  const asksForUsage = call.stream && !call.wantsUsage && provider.streamUsageOption;
  const body: JsonObject = {
    ...call.body,
    model: config.model,
    ...outputBound(call, deployment, reserved),
    ...(asksForUsage ? { stream_options: withUsage(call.body["stream_options"]) } : {}),
  };
  return {
    origin,
    path,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
    keepsUsage: asksForUsage,
    streamHeaders: callHeaders(call, deployment, reserved),
    outputBound: hold.bounded ? hold.outputTokens * quote.choices : null,
    deadlines: gateway.deadlines,
  };
}

/** Purser's own headers on every answer to this call. */
export function callHeaders(call: Call, deployment: Deployment, reserved: Reserved): Headers {
  const { hold, quote, standing } = reserved;
  const clamped = hold.outputTokens < quote.outputTokens;
  return {
    ...idHeaders(call.id),
    "x-litellm-model-id": deployment.config.id,
    ...standingHeaders(standing),
    ...(clamped ? { "x-purser-max-tokens": String(hold.outputTokens) } : {}),
  };
}

/**
 * The provider is told of the bound where a budget leans on it and the provider would not keep it by itself: when it
 * was clamped, or when nobody has named one.
 */
function outputBound(call: Call, deployment: Deployment, { hold, quote }: Reserved): JsonObject {
  const clamped = hold.outputTokens < quote.outputTokens;
  const unnamed = call.outputTokensMax === null && deployment.config.outputTokensMax === null;
  if (!hold.bounded || !(clamped || unnamed)) return {};
  const named = ["max_completion_tokens", "max_tokens"].filter((field) => isSet(call.body[field]));
  const fields = named.length > 0 ? named : [deployment.provider.outputBoundField];
  return Object.fromEntries(fields.map((field) => [field, hold.outputTokens]));
}

function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

function withUsage(options: Json | undefined): JsonObject {
  return { ...(isObject(options) ? options : {}), include_usage: true };
}
