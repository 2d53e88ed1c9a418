/**
 * The built-in provider, for demos and tests: a real HTTP server on the loopback interface that speaks OpenAI's APIs
 * of text and Anthropic's. Answers are made of the prompt's own words, one token each. Markers in the prompt direct it:
 *
 * | marker                  | effect                                                               |
 * |-------------------------|----------------------------------------------------------------------|
 * | `[[delay 200]]`         | milliseconds before the headers                                      |
 * | `[[pace 20]]`           | milliseconds between two pieces                                      |
 * | `[[words 500]]`         | length of the answer, per choice                                     |
 * | `[[usage 20 30]]`       | prompt and completion tokens to report, whatever the text            |
 * | `[[no usage]]`          | reports none                                                         |
 * | `[[status 429]]`        | an error of this status                                              |
 * | `[[reset]]`             | breaks the connection instead of answering                           |
 * | `[[reset 3]]`           | breaks it after three pieces                                         |
 * | `[[hang]]`              | never answers                                                        |
 * | `[[hang 3]]`            | stalls after three pieces                                            |
 * | `[[ignore max_tokens]]` | answers and bills beyond the client's bound                          |
 *
 * A piece is an event of a stream, or half of a plain answer.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { isObject, type JsonObject } from "../platform/json.ts";
import { answerTo, failure, type Answer, type Form } from "./fake/answer.ts";
import { chat, completion } from "./fake/chat.ts";
import { embeddings } from "./fake/embeddings.ts";
import { counting, messages } from "./fake/messages.ts";
import { responses } from "./fake/responses.ts";
import type { Fault } from "./fake/script.ts";

/** More than any prompt that is worth testing. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** Longer than a client keeps an idle connection, so that it never sends a call into a closing one. */
const KEEP_ALIVE_MS = 600_000;

const MODELS = JSON.stringify({
  object: "list",
  data: [{ id: "fake", object: "model", created: 1_700_000_000, owned_by: "purser" }],
});

const FORMS: ReadonlyMap<string | undefined, Form> = new Map([
  ["/chat/completions", chat],
  ["/completions", completion],
  ["/responses", responses],
  ["/embeddings", embeddings],
  ["/messages", messages],
  ["/messages/count_tokens", counting],
]);

export interface FakeProvider {
  readonly origin: string;
  close(): Promise<void>;
}

export async function startFakeProvider(): Promise<FakeProvider> {
  const server = createServer((request, response) => void respond(request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Every wait ends with the connection, and nothing is left to say then. */
async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    await route(request, response, gone.signal);
  } catch {
    response.destroy();
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const path = request.url?.replace(/\?.*$/, "").replace(/^\/v1\//, "/");
  if (request.method === "GET" && path === "/models") return sendJson(response, 200, MODELS);
  const form = request.method === "POST" ? FORMS.get(path) : undefined;
  if (form === undefined) {
    return sendJson(
      response,
      404,
      failure(404, `The built-in provider has no ${request.method} ${path}.`),
    );
  }
  const body = await readObject(request);
  const asked = body && form.read(body);
  if (!body || asked === undefined) {
    return sendJson(response, 400, failure(400, "The body must be a JSON object with a prompt."));
  }
  await play(form, answerTo(body, asked), response, gone);
}

async function play(
  form: Form,
  answer: Answer,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const { delayMs, paceMs, errorStatus, fault } = answer.script;
  if (delayMs > 0) await wait(delayMs, undefined, { signal: gone });
  if (fault?.afterPieces === 0) return strike(fault, response);
  if (errorStatus !== null) {
    return sendJson(response, errorStatus, failure(errorStatus, "As the prompt asked."));
  }
  let sent = 0;
  for (const piece of begin(form, answer, response)) {
    if (sent > 0 && paceMs > 0) await wait(paceMs, undefined, { signal: gone });
    await send(response, piece);
    sent += 1;
    if (fault?.afterPieces === sent) return strike(fault, response);
  }
  response.end();
}

/** Sends the headers and gives the pieces to follow. */
function begin(form: Form, answer: Answer, response: ServerResponse): Iterable<string | Buffer> {
  if (answer.stream && form.events !== undefined) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    return form.events(answer);
  }
  const body = Buffer.from(form.whole(answer));
  const half = Math.floor(body.length / 2);
  response.writeHead(200, jsonHeaders(body));
  return [body.subarray(0, half), body.subarray(half)];
}

/** A connection that hangs is left to its client, or to `close`. */
function strike(fault: Fault, response: ServerResponse): void {
  if (fault.kind === "reset") response.destroy();
}

/** Waits until the piece is on its way: a reset would take back what is still in the buffer. */
function send(response: ServerResponse, piece: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, jsonHeaders(body)).end(body);
}

function jsonHeaders(body: string | Buffer): Record<string, string | number> {
  return { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
}

/** Undefined if it is no object, or too long. */
async function readObject(request: IncomingMessage): Promise<JsonObject | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    pieces.push(piece);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(pieces).toString());
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}
