/** One attempt to hand a message to its receiver. */

import { urlToHttpOptions } from "node:url";
import { Webhook } from "standardwebhooks";
import { Agent } from "undici";
import type { Network } from "../config/network.ts";
import { AddressRefused, guardedLookup, isAllowedAddress, literalAddress } from "./address.ts";
import type { Resolve } from "./address.ts";
import type { Recipient, Secret } from "./recipient.ts";

/** Nobody reads the answer, but a short one is drained so that its connection can be used again. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** The way to one receiver. Its connections are its own: one that hangs keeps none from others or from providers. */
export interface Channel {
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
  /** For a whole attempt, once connected, and for connecting. */
  readonly timeoutMs: number;
  /** The address is written out and is none to send to. A name is looked up and checked when it is connected to. */
  readonly isForbidden: boolean;
}

export interface ChannelBounds {
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  readonly networksAllowed: readonly Network[];
  readonly resolve: Resolve;
}

export interface Message {
  /** The same for every attempt: receivers know by it what they have seen. */
  readonly id: string;
  /** When this attempt is made, epoch milliseconds. */
  readonly at: number;
  readonly body: string;
  readonly secrets: Recipient["secrets"];
}

export type Attempt =
  | { readonly kind: "delivered"; readonly status: number }
  /** `reason` is short and free of secrets and of the receiver's words. No status: no answer. */
  | { readonly kind: "failed"; readonly status: number | null; readonly reason: string };

export function openChannel(
  { url, isTrusted }: Pick<Recipient, "url" | "isTrusted">,
  { timeoutMs, connectionsMax, networksAllowed, resolve }: ChannelBounds,
): Channel {
  const parsed = new URL(url);
  const { auth, path } = urlToHttpOptions(parsed);
  const basic = `Basic ${Buffer.from(auth ?? "").toString("base64")}`;
  const literal = literalAddress(parsed);
  const guard = isTrusted ? {} : { lookup: guardedLookup(resolve, networksAllowed) };
  return {
    origin: parsed.origin,
    path: path ?? "/",
    headers: {
      "content-type": "application/json",
      "user-agent": "purser",
      ...(auth === undefined ? {} : { authorization: basic }),
    },
    // Over HTTP/2 all attempts would share one connection, and its fate.
    agent: new Agent({
      connections: connectionsMax,
      connect: { timeout: timeoutMs, ...guard },
      allowH2: false,
    }),
    timeoutMs,
    isForbidden: !isTrusted && literal !== null && !isAllowedAddress(literal, networksAllowed),
  };
}

/** Breaks off what is under way. */
export async function closeChannel({ agent }: Channel): Promise<void> {
  await agent.destroy();
}

/** Never rejects. Any 2xx is success; a redirect is not followed, because nobody has vouched for where it leads. */
export async function deliver(message: Message, channel: Channel): Promise<Attempt> {
  if (message.secrets === "lost") return { kind: "failed", status: null, reason: LOST };
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), channel.timeoutMs);
  try {
    const status = await post(message, channel, abort.signal);
    if (status >= 200 && status <= 299) return { kind: "delivered", status };
    return { kind: "failed", status, reason: `the receiver answered ${String(status)}` };
  } catch (error) {
    const timeout = `no answer within ${String(channel.timeoutMs)} ms`;
    const reason = abort.signal.aborted ? timeout : `no connection: ${codeOf(error)}`;
    return { kind: "failed", status: null, reason };
  } finally {
    clearTimeout(timer);
  }
}

async function post(message: Message, channel: Channel, signal: AbortSignal): Promise<number> {
  const { origin, path, agent, isForbidden } = channel;
  if (isForbidden) throw new AddressRefused("not an address to send to");
  const response = await agent.request({
    origin,
    path,
    method: "POST",
    headers: { ...channel.headers, ...webhookHeaders(message) },
    body: message.body,
    signal,
    // The signal bounds the whole attempt, so these need not.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  // The status has decided; an answer that breaks off or is too long changes nothing.
  await response.body.dump({ limit: ANSWER_BYTES_MAX });
  return response.statusCode;
}

const LOST = "the secret was sealed under another master key; rotate it";

/** As the Standard Webhooks specification has them: while a secret is being replaced, the old one signs as well. */
function webhookHeaders({ id, at, body, secrets }: Message): Readonly<Record<string, string>> {
  const all: readonly Secret[] = typeof secrets === "string" ? [] : secrets;
  const valid = all.filter(({ until }) => until === null || at < until);
  const signatures = valid.map(({ text }) => new Webhook(text).sign(id, new Date(at), body));
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    ...(signatures.length === 0 ? {} : { "webhook-signature": signatures.join(" ") }),
  };
}

/** `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, … */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error ? String(error.code) : error.name;
}
