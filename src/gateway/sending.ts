/** What goes to the provider: the client's body with the deployment's model and the bounds that the hold pays for. */

import type { JsonObject } from "../platform/json.ts";
import type { Deadlines, UpstreamUser } from "../config/config.ts";
import type { Call } from "./call.ts";
import type { OutputBound } from "./dialects/dialect.ts";
import type { Sending } from "./forward.ts";
import { writeForm } from "./form.ts";
import { idHeaders } from "../http/server.ts";
import { standingHeaders, type Headers } from "./headers.ts";
import type { Reserved } from "./reserve.ts";
import { upstreamUser } from "./upstream-user.ts";

export async function sending(
  reserved: Reserved,
  deadlines: Deadlines,
  rule: UpstreamUser,
): Promise<Sending> {
  const { call, deployment } = reserved.asking;
  const { config, provider } = deployment;
  const { dialect, upstreamPath } = call.route;
  const { stream: shape } = dialect;
  const target = upstreamPath.replace("{model}", encodeURIComponent(config.model));
  const { origin, path, headers } = provider.address(config, target + call.query);
  const keepsUsage = call.stream && !call.wantsUsage && provider.streamUsageOption;
  const changes = dialect.outbound({
    body: call.body,
    model: config.model,
    provider,
    bound: outputBound(reserved),
    asksForUsage: keepsUsage,
  });
  const { body, contentType } = await written(call, { ...upstreamUser(call, rule), ...changes });
  return {
    origin,
    path,
    headers: {
      ...headers,
      ...call.passed,
      "content-type": contentType,
      "accept-encoding": "identity",
    },
    body,
    convention: dialect.convention,
    shape,
    keepsUsage,
    streamHeaders: callHeaders(reserved),
    eventsMax: shape === null ? null : eventsMax(shape.otherEventsMax, reserved),
    deadlines,
  };
}

async function written(
  { body, form }: Call,
  changes: JsonObject,
): Promise<{ readonly body: string | Buffer; readonly contentType: string }> {
  if (form !== null) return writeForm(form, changes);
  return { body: JSON.stringify({ ...body, ...changes }), contentType: "application/json" };
}

/** Purser's own headers on every answer to this call. */
export function callHeaders(reserved: Reserved): Headers {
  const { asking, hold, quote, standing, hidesAmounts } = reserved;
  const { call, deployment, attempts } = asking;
  const { config } = deployment;
  const clamped = hold.outputTokens < quote.outputTokens;
  return {
    ...idHeaders(call.id),
    "x-litellm-model-id": config.id,
    ...(config.region === null ? {} : { "x-litellm-model-region": config.region }),
    ...(attempts.length === 0 ? {} : { "x-litellm-attempted-retries": String(attempts.length) }),
    ...standingHeaders(standing, hidesAmounts),
    ...(clamped ? { "x-purser-max-tokens": String(hold.outputTokens) } : {}),
  };
}

/** The provider is told of the bound where a budget leans on it and the provider would not keep it by itself. */
function outputBound({ asking, hold, quote }: Reserved): OutputBound | null {
  const { call, deployment } = asking;
  if (!hold.bounded || call.isUnbounded === true) return null;
  const isClamped = hold.outputTokens < quote.outputTokens;
  const isUnnamed = call.outputTokensMax === null && deployment.config.outputTokensMax === null;
  return { tokens: hold.outputTokens, mustBeTold: isClamped || isUnnamed };
}

/** What a stream that keeps its bound has at most, be it of tokens or of events. */
export function eventsMax(otherEvents: number, { hold, quote }: Reserved): number | null {
  if (!hold.bounded || otherEvents === 0) return null;
  return (hold.outputTokens + otherEvents) * quote.choices;
}
