/** How a call goes to a deployment: as it came where both speak alike, else translated. */

import type { Client } from "./client.ts";
import type { Deadlines, DeploymentConfig } from "../config/config.ts";
import type { Call } from "./call.ts";
import { forward, type Answer } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import type { Reserved } from "./reserve.ts";
import { callHeaders, eventsMax, sending } from "./sending.ts";
import { optionsOf } from "./translate/options.ts";
import { translate } from "./translate/translate.ts";

/** Forwards the call under its hold. Never rejects for what a provider does. */
export type Way = (reserved: Reserved, client: Client) => Promise<Answer>;

/** Keep-alives and the like have no part in a translated stream; a provider may still cut tokens in two. */
const OTHER_EVENTS_MAX = 64;

/** Throws `invalid_request` for a body that has no translation, before anything is held. */
export function wayTo(deployment: Deployment, call: Call, gateway: Gateway): Way {
  const { config, provider } = deployment;
  const deadlines = deadlinesOf(config, call.stream, gateway.deadlines);
  if (provider.families.includes(call.route.dialect.family) || provider.speak === undefined) {
    return async (reserved, client) => {
      const sent = await sending(reserved, deadlines, gateway.customers.upstreamUser);
      return forward(sent, gateway.upstream, client);
    };
  }
  const { speak } = provider;
  const options = optionsOf(call.body);
  const created = Math.floor(gateway.clock.now() / 1000);
  const { stream, wantsUsage } = call;
  const heading = { id: `chatcmpl-${call.id}`, model: call.model, created };
  return (reserved, client) => {
    const { bounded, outputTokens } = reserved.hold;
    const said = { options, speak, deployment: config, heading, stream, wantsUsage, deadlines };
    const bound = { outputTokens: bounded ? outputTokens : null };
    const limit = { eventsMax: eventsMax(OTHER_EVENTS_MAX, reserved) };
    const streamHeaders = callHeaders(reserved);
    const translation = { ...said, ...bound, ...limit, streamHeaders };
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
