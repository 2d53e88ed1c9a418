/** What goes to the provider: the client's body with the deployment's model and the bounds that the hold pays for. */

import type { Json, JsonObject } from "../platform/json.ts";
import { isObject } from "../platform/json.ts";
import type { Sending } from "./forward.ts";
import type { Gateway } from "./gateway.ts";
import { idHeaders } from "../http/server.ts";
import { standingHeaders, type Headers } from "./headers.ts";
import type { Reserved } from "./reserve.ts";
import { upstreamUser } from "./upstream-user.ts";

/** Roles, keep-alives and finish reasons that a choice's stream may have beside its tokens. */
const EVENTS_WITHOUT_TEXT_MAX = 64;

export function sending(reserved: Reserved, gateway: Gateway): Sending {
  const { asking, hold, quote } = reserved;
  const { call, deployment } = asking;
  const { config, provider } = deployment;
  const { origin, path, headers } = provider.address(config, call.upstreamPath);
  const asksForUsage = call.stream && !call.wantsUsage && provider.streamUsageOption;
  const body: JsonObject = {
    ...call.body,
    ...upstreamUser(call, gateway.customers.upstreamUser),
    model: config.model,
    ...outputBound(reserved),
    ...(asksForUsage ? { stream_options: withUsage(call.body["stream_options"]) } : {}),
  };
  return {
    origin,
    path,
    headers: { ...headers, "content-type": "application/json", "accept-encoding": "identity" },
    body: JSON.stringify(body),
    keepsUsage: asksForUsage,
    streamHeaders: callHeaders(reserved),
    eventsMax: hold.bounded ? (hold.outputTokens + EVENTS_WITHOUT_TEXT_MAX) * quote.choices : null,
    deadlines: gateway.deadlines,
  };
}

/** Purser's own headers on every answer to this call. */
export function callHeaders(reserved: Reserved): Headers {
  const { asking, hold, quote, standing, hidesAmounts } = reserved;
  const { call, deployment } = asking;
  const { config } = deployment;
  const clamped = hold.outputTokens < quote.outputTokens;
  return {
    ...idHeaders(call.id),
    "x-litellm-model-id": config.id,
    ...(config.region === null ? {} : { "x-litellm-model-region": config.region }),
    ...standingHeaders(standing, hidesAmounts),
    ...(clamped ? { "x-purser-max-tokens": String(hold.outputTokens) } : {}),
  };
}

/**
 * The provider is told of the bound where a budget leans on it and the provider would not keep it by itself: when it
 * was clamped, when nobody has named one, or when the client named it in a way that the provider does not read.
 */
function outputBound({ asking, hold, quote }: Reserved): JsonObject {
  const { call, deployment } = asking;
  if (!hold.bounded) return {};
  const { outputBoundField: field } = deployment.provider;
  const { max_completion_tokens: newer, max_tokens: older } = call.body;
  const unread = field === "max_tokens" && isSet(newer) && !isSet(older);
  // An absent field is not written: some providers refuse the newer name, and some refuse both at once.
  if (unread) return { max_completion_tokens: undefined, max_tokens: hold.outputTokens };
  const clamped = hold.outputTokens < quote.outputTokens;
  const unnamed = call.outputTokensMax === null && deployment.config.outputTokensMax === null;
  if (!clamped && !unnamed) return {};
  const named = ["max_completion_tokens", "max_tokens"].filter((name) => isSet(call.body[name]));
  const fields = named.length > 0 ? named : [field];
  return Object.fromEntries(fields.map((name) => [name, hold.outputTokens]));
}

function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

function withUsage(options: Json | undefined): JsonObject {
  return { ...(isObject(options) ? options : {}), include_usage: true };
}
