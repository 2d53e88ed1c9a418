/** The provider of the bench: an OpenAI-shaped mock, a process of its own, that remembers what it really produced. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { argv } from "node:process";
import { costNano } from "./money.ts";
import { readPrompt, type Pace, type Script } from "./script.ts";
import type { Truth, TruthByCustomer } from "./truth.ts";

const LOGNORMAL_MEDIAN = 150;
const LOGNORMAL_SIGMA = 0.8;
const LOGNORMAL_MAX = 4000;
const SEED = 20_261_123;

interface ChatBody {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly user?: string;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
}

interface Work {
  readonly body: ChatBody;
  readonly script: Script;
  readonly completionTokens: number;
  readonly finishReason: "stop" | "length";
}

let truth = new Map<string, Truth>();
let random = seeded(SEED);

const server = createServer((request, response) => {
  void readBody(request).then((text) => answer(request, response, text));
});
server.keepAliveTimeout = 600_000;
server.requestTimeout = 0;
server.listen(Number(argv[2] ?? 0), "127.0.0.1");

function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
  if (request.url === "/bench/truth") return sendJson(response, 200, readTruth());
  if (request.url === "/bench/reset") return sendJson(response, 200, reset());
  if (request.url === "/bench/ready") return sendJson(response, 200, { ready: true });
  if (request.url?.endsWith("/embeddings") === true) return embed(response, text);
  if (request.method !== "POST" || !request.url?.endsWith("/chat/completions")) {
    return sendJson(response, 404, { error: { message: "no such route", type: "not_found" } });
  }
  const work = plan(JSON.parse(text) as ChatBody);
  if (work.script.status !== 200) {
    return sendJson(response, work.script.status, {
      error: { message: "as scripted", type: "server_error", param: null, code: null },
    });
  }
  if (work.body.stream === true) return stream(response, work);
  count(work, work.completionTokens, true);
  sendJson(response, 200, completion(work));
}

/** One vector of the usual length for each text; a token for four bytes. */
function embed(response: ServerResponse, text: string): void {
  const { input, model } = JSON.parse(text) as { input: readonly string[]; model: string };
  const data = input.map((_, index) => ({ object: "embedding", index, embedding: VECTOR }));
  const tokens = Math.ceil(input.join("").length / 4);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  sendJson(response, 200, { object: "list", model, data, usage });
}

const VECTOR = Array.from({ length: 256 }, (_, index) => Math.sin(index) / 16);

function plan(body: ChatBody): Work {
  const script = readPrompt(body.messages.at(-1)?.content ?? "");
  const wanted = script.completionTokens === "lognormal" ? drawLength() : script.completionTokens;
  const asked = body.max_completion_tokens ?? body.max_tokens ?? Infinity;
  const limit = script.ignoreMaxTokens ? Infinity : asked;
  return {
    body,
    script,
    completionTokens: Math.min(wanted, limit),
    finishReason: wanted > limit ? "length" : "stop",
  };
}

function stream(response: ServerResponse, work: Work): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const delta = event(work, [{ index: 0, delta: { content: " word" }, finish_reason: null }]);
  let sent = 0;
  let over = false;
  response.on("close", () => {
    if (!over) count(work, sent, false);
    over = true;
  });
  response.write(
    event(work, [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
  );
  const finish = (): void => {
    over = true;
    count(work, work.completionTokens, true);
    response.end(tail(work));
  };
  const produce = (): void => {
    do {
      if (over) return;
      if (sent === work.completionTokens) return finish();
      response.write(delta);
      sent += 1;
    } while (work.script.pace === "burst");
    schedule(work.script.pace, produce);
  };
  schedule(work.script.pace, produce);
}

/** A burst stays within one turn, so that Node corks all of it into one write. */
function schedule(pace: Pace, produce: () => void): void {
  if (pace === "burst") produce();
  else if (pace === "turn") setImmediate(produce);
  else setTimeout(produce, pace);
}

function tail(work: Work): string {
  const finish = event(work, [{ index: 0, delta: {}, finish_reason: work.finishReason }]);
  const usage = work.body.stream_options?.include_usage === true ? event(work, [], true) : "";
  return `${finish}${usage}data: [DONE]\n\n`;
}

function event(work: Work, choices: readonly unknown[], withUsage = false): string {
  const chunk = {
    id: "chatcmpl-bench-0123456789abcdefghijk",
    object: "chat.completion.chunk",
    created: 1_790_000_000,
    model: work.body.model,
    service_tier: "default",
    system_fingerprint: "fp_bench000",
    choices,
    ...(withUsage ? { usage: usageOf(work) } : {}),
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function completion(work: Work): unknown {
  return {
    id: "chatcmpl-bench-0123456789abcdefghijk",
    object: "chat.completion",
    created: 1_790_000_000,
    model: work.body.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: " word".repeat(work.completionTokens),
          refusal: null,
        },
        logprobs: null,
        finish_reason: work.finishReason,
      },
    ],
    usage: usageOf(work),
    service_tier: "default",
    system_fingerprint: "fp_bench000",
  };
}

function usageOf(work: Work): unknown {
  return {
    prompt_tokens: work.script.promptTokens,
    completion_tokens: work.completionTokens,
    total_tokens: work.script.promptTokens + work.completionTokens,
  };
}

function count(work: Work, completionTokens: number, finished: boolean): void {
  const customer = work.body.user ?? "";
  const before = truth.get(customer) ?? {
    finished: 0,
    broken: 0,
    promptTokens: 0,
    completionTokens: 0,
    nanoUsd: 0,
  };
  truth.set(customer, {
    finished: before.finished + (finished ? 1 : 0),
    broken: before.broken + (finished ? 0 : 1),
    promptTokens: before.promptTokens + work.script.promptTokens,
    completionTokens: before.completionTokens + completionTokens,
    nanoUsd: before.nanoUsd + Number(costNano(work.script.promptTokens, completionTokens)),
  });
}

function readTruth(): TruthByCustomer {
  return Object.fromEntries(truth);
}

function reset(): unknown {
  truth = new Map();
  random = seeded(SEED);
  return { reset: true };
}

function drawLength(): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const length = Math.round(LOGNORMAL_MEDIAN * Math.exp(LOGNORMAL_SIGMA * normal));
  return Math.min(Math.max(length, 1), LOGNORMAL_MAX);
}

/** mulberry32: the same lengths in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
