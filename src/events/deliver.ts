/** One attempt to hand an event to the receiver. */

import { urlToHttpOptions } from "node:url";
import { Webhook } from "standardwebhooks";
import { Agent } from "undici";
import type { WebhookConfig } from "../config/config.ts";

/** Nobody reads the answer, but a short one is drained so that its connection can be used again. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Who is told of events. Its connections are its own: a receiver that hangs keeps none from the providers. */
export interface Endpoint {
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null leaves deliveries unsigned. */
  readonly signer: Webhook | null;
  readonly agent: Agent;
  /** For a whole attempt, once connected, and for connecting. */
  readonly timeoutMs: number;
}

export interface Message {
  /** The same for every attempt: receivers know by it what they have seen. */
  readonly id: string;
  /** When this attempt is made, epoch milliseconds. */
  readonly at: number;
  readonly body: string;
}

export type Attempt =
  | { readonly kind: "delivered" }
  /** `reason` is short and free of secrets and of the receiver's words. */
  | { readonly kind: "failed"; readonly reason: string };

export function openEndpoint(
  { url, secret }: WebhookConfig,
  bounds: { readonly timeoutMs: number; readonly connectionsMax: number },
): Endpoint {
  const { timeoutMs, connectionsMax } = bounds;
  const { origin } = new URL(url);
  const { auth, path } = urlToHttpOptions(new URL(url));
  const basic = `Basic ${Buffer.from(auth ?? "").toString("base64")}`;
  return {
    origin,
    path: path ?? "/",
    headers: {
      "content-type": "application/json",
      "user-agent": "purser",
      ...(auth === undefined ? {} : { authorization: basic }),
    },
    signer: secret === null ? null : new Webhook(secret),
    // Over HTTP/2 all attempts would share one connection, and its fate.
    agent: new Agent({ connections: connectionsMax, connectTimeout: timeoutMs, allowH2: false }),
    timeoutMs,
  };
}

/** Breaks off what is under way. */
export async function closeEndpoint({ agent }: Endpoint): Promise<void> {
  await agent.destroy();
}

/** Never rejects. Any 2xx is success; a redirect is not followed, because nobody has vouched for where it leads. */
export async function deliver(message: Message, endpoint: Endpoint): Promise<Attempt> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), endpoint.timeoutMs);
  try {
    const status = await post(message, endpoint, abort.signal);
    if (status >= 200 && status <= 299) return { kind: "delivered" };
    return { kind: "failed", reason: `the receiver answered ${String(status)}` };
  } catch (error) {
    const timeout = `no answer within ${String(endpoint.timeoutMs)} ms`;
    const reason = abort.signal.aborted ? timeout : `no connection: ${codeOf(error)}`;
    return { kind: "failed", reason };
  } finally {
    clearTimeout(timer);
  }
}

async function post(message: Message, endpoint: Endpoint, signal: AbortSignal): Promise<number> {
  const { origin, path, agent } = endpoint;
  const headers = { ...endpoint.headers, ...webhookHeaders(message, endpoint.signer) };
  const response = await agent.request({
    origin,
    path,
    method: "POST",
    headers,
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

/** As the Standard Webhooks specification has them. */
function webhookHeaders(
  { id, at, body }: Message,
  signer: Webhook | null,
): Readonly<Record<string, string>> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    ...(signer === null ? {} : { "webhook-signature": signer.sign(id, new Date(at), body) }),
  };
}

/** `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, … */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error ? String(error.code) : error.name;
}
