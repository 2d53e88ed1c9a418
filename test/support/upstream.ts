/** A scripted provider over a real socket: it answers as each test says and remembers what it was sent. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** Empty where it is no JSON. */
  readonly body: Record<string, unknown>;
  /** Resolves when the connection is gone or the answer is complete. */
  readonly closed: Promise<void>;
}

export type Script = (received: Received, response: ServerResponse) => void | Promise<void>;

export interface Upstream {
  readonly origin: string;
  readonly received: Received[];
  /** How the calls from now on are answered. */
  answer: Script;
  close(): Promise<void>;
}

/** The usage that LiteLLM's own tests use: at 0.001 and 0.002 a token it costs 0.06. */
export const USAGE = { prompt_tokens: 20, completion_tokens: 20, total_tokens: 40 };

export async function startUpstream(answer: Script = whole()): Promise<Upstream> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      response.on("close", resolve);
      const bytes = Buffer.concat(chunks);
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        bytes,
        body: parsed(bytes),
        closed,
      };
      upstream.received.push(one);
      void Promise.resolve(upstream.answer(one, response));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const upstream: Upstream = {
    origin: `http://127.0.0.1:${String(port)}`,
    received: [],
    answer,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return upstream;
}

function parsed(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString("utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** An answer in one piece. An error tells no usage, unless it is given. */
export function whole(usage?: unknown, status = 200): Script {
  const told = usage === undefined && status < 300 ? USAGE : usage;
  return (received, response) => json(response, status, completion(received, told));
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

export function completion(received: Received, usage: unknown): unknown {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: received.body["model"],
    choices: [
      { index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" },
    ],
    ...(usage === undefined ? {} : { usage }),
  };
}

/** A streamed answer of these pieces, with the usage event if it was asked for. */
export function streamed(pieces: readonly string[], usage: unknown = USAGE): Script {
  return (received, response) => {
    startStream(response);
    for (const piece of pieces) response.write(delta(piece));
    const options = received.body["stream_options"] as { include_usage?: boolean } | undefined;
    if (options?.include_usage === true && usage !== undefined) response.write(usageEvent(usage));
    response.end("data: [DONE]\n\n");
  };
}

export function startStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
}

export function delta(content: string): string {
  return event({ choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: null });
}

export function usageEvent(usage: unknown): string {
  return event({ choices: [], usage });
}

function event(data: object): string {
  const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m" };
  return `data: ${JSON.stringify({ ...chunk, ...data })}\n\n`;
}
