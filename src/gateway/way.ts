/** How a call goes to a deployment: as it came where both speak alike, else translated. */

import type { Client } from "./client.ts";
import type { Deadlines, DeploymentConfig } from "../config/config.ts";
import type { Call } from "./call.ts";
import { forward, type Answer } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import type { Reserved } from "./reserve.ts";
import { callHeaders, eventsMax, sending } from "./sending.ts";
import { embedTexts, textsIn } from "./translate/embed.ts";
import { askedIn } from "./translate/options.ts";
import { translate, type Translation } from "./translate/translate.ts";

/** Forwards the call under its hold. Never rejects for what a provider does. */
export type Way = (reserved: Reserved, client: Client) => Promise<Answer>;

/** Keep-alives and the like have no part in a translated stream; a provider may still cut tokens in two. */
const OTHER_EVENTS_MAX = 64;

/** Throws `invalid_request` for a body that has no translation, before anything is held. */
export function wayTo(deployment: Deployment, call: Call, gateway: Gateway): Way {
  const { config, provider } = deployment;
  const { name, dialect } = call.route;
  const deadlines = deadlinesOf(config, call.stream, gateway.deadlines);
  const { "/v1/chat/completions": speak, "/v1/embeddings": embed } = provider.translated;
  if (!provider.families.includes(dialect.family)) {
    const translated = { deployment: config, model: call.model, deadlines };
    if (name === "/v1/chat/completions" && speak !== undefined) {
      return chatWay({ ...translated, speak }, call, gateway);
    }
    if (name === "/v1/embeddings" && embed !== undefined) {
      const given = { ...translated, embed, asked: textsIn(call.body) };
      return (_reserved, client) => embedTexts(given, gateway.upstream, client);
    }
  }
  return async (reserved, client) => {
    const sent = await sending(reserved, deadlines, gateway.customers.upstreamUser);
    return forward(sent, gateway.upstream, client);
  };
}

function chatWay(
  { model, ...to }: Pick<Translation, "speak" | "deployment" | "deadlines"> & { model: string },
  call: Call,
  gateway: Gateway,
): Way {
  const { stream, wantsUsage } = call;
  const created = Math.floor(gateway.clock.now() / 1000);
  const heading = { id: `chatcmpl-${call.id}`, model, created };
  const said = { ...to, asked: askedIn(call.body), heading, stream, wantsUsage };
  return (reserved, client) => {
    const { bounded, outputTokens } = reserved.hold;
    const bound = { outputTokens: bounded ? outputTokens : null };
    const limit = { eventsMax: eventsMax(OTHER_EVENTS_MAX, reserved) };
    const translation = { ...said, ...bound, ...limit, streamHeaders: callHeaders(reserved) };
    return translate(translation, gateway.upstream, client);
  };
}

/** A deployment's own deadlines never outlast those of all. */
function deadlinesOf(
  { timeoutMs, streamTimeoutMs }: DeploymentConfig,
  stream: boolean,
  deadlines: Deadlines,
): Deadlines {
  const own = (stream ? streamTimeoutMs : timeoutMs) ?? deadlines.callMs;
  const headersMs = Math.min(deadlines.headersMs, own);
  return {
    ...deadlines,
    headersMs,
    callMs: stream ? deadlines.callMs : Math.min(deadlines.callMs, own),
  };
}
