/** Requests and answers of every route, in the shapes that the providers' documents show. Each uses 20 in and 20 out. */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { ROUTES, type Route } from "../../src/gateway/routes.ts";
import { json, startStream, streamed, whole, type Script } from "./upstream.ts";

export interface Example {
  /** By its name in the table of routes. */
  readonly route: string;
  readonly query: string;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>> | FormData;
  readonly answer: Script;
  /** At 0.001 dollars for a token in and 0.002 for one out. */
  readonly spend: number;
}

const HI = [{ role: "user", content: "hi" }];
const RESPONSES_USAGE = { input_tokens: 20, output_tokens: 20, total_tokens: 40 };
const GEMINI_USAGE = { promptTokenCount: 20, candidatesTokenCount: 20, totalTokenCount: 40 };
const BOTH = 0.06;
const INPUT = 0.02;

export function events(...data: readonly unknown[]): Script {
  return (_received, response) => {
    startStream(response);
    for (const each of data) response.write(sse(each));
    response.end();
  };
}

/** Anthropic names its events; so does the Responses API. */
export function sse(data: unknown): string {
  const { type } = data as { readonly type?: string };
  const name = type === undefined ? "" : `event: ${type}\n`;
  return `${name}data: ${JSON.stringify(data)}\n\n`;
}

export const MESSAGE_START = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [],
    stop_reason: null,
    usage: { input_tokens: 20, output_tokens: 1 },
  },
};

export const MESSAGE_EVENTS: readonly unknown[] = [
  MESSAGE_START,
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "ping" },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "." } },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 20 },
  },
  { type: "message_stop" },
];

export const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [{ type: "text", text: "Hello." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 20, output_tokens: 20 },
};

export function geminiChunk(text: string, more: object = {}): unknown {
  const candidate = { content: { role: "model", parts: [{ text }] }, index: 0, ...more };
  return { candidates: [candidate], usageMetadata: GEMINI_USAGE, modelVersion: "gemini-2.5-flash" };
}

export const RESPONSE = {
  id: "resp_1",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-5",
  error: null,
  output: [
    {
      id: "msg_1",
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Hello.", annotations: [] }],
    },
  ],
  usage: RESPONSES_USAGE,
};

export const RESPONSE_EVENTS: readonly unknown[] = [
  {
    type: "response.created",
    sequence_number: 0,
    response: { ...RESPONSE, output: [], usage: null },
  },
  {
    type: "response.output_text.delta",
    sequence_number: 1,
    item_id: "msg_1",
    output_index: 0,
    content_index: 0,
    delta: "Hello.",
  },
  { type: "response.completed", sequence_number: 2, response: RESPONSE },
];

const embeddings: Script = (_received, response) =>
  json(response, 200, {
    object: "list",
    model: "e",
    data: [{ object: "embedding", index: 0, embedding: [0.1, 0.2] }],
    usage: { prompt_tokens: 20, total_tokens: 20 },
  });

const moderations: Script = (_received, response) =>
  json(response, 200, {
    id: "modr-1",
    model: "omni-moderation-latest",
    results: [{ flagged: false, categories: {}, category_scores: {} }],
    usage: { prompt_tokens: 20, total_tokens: 20 },
  });

const rankings: Script = (_received, response) =>
  json(response, 200, {
    id: "1",
    results: [{ index: 1, relevance_score: 0.9 }],
    usage: { total_tokens: 20 },
  });

const images: Script = (_received, response) =>
  json(response, 200, {
    created: 1,
    data: [{ b64_json: "AA==" }],
    usage: { ...RESPONSES_USAGE, input_tokens_details: { text_tokens: 20, image_tokens: 0 } },
  });

const transcript: Script = (_received, response) =>
  json(response, 200, { text: "Hello.", usage: { type: "tokens", ...RESPONSES_USAGE } });

const sound: Script = (_received: unknown, response: ServerResponse) => {
  response.writeHead(200, { "content-type": "audio/mpeg" });
  response.end(Buffer.from([0xff, 0xfb, 0x90, 0x00]));
};

export const EXAMPLES: Readonly<Record<string, Example>> = {
  chat: example("/v1/chat/completions", "m", { messages: HI, max_tokens: 20 }, whole(), BOTH),
  "chat, streamed": example(
    "/v1/chat/completions",
    "m",
    { messages: HI, max_tokens: 20, stream: true },
    streamed(["Hello."]),
    BOTH,
  ),
  completion: example("/v1/completions", "m", { prompt: "hi", max_tokens: 20 }, whole(), BOTH),
  "completion, streamed": example(
    "/v1/completions",
    "m",
    { prompt: "hi", max_tokens: 20, stream: true },
    streamed(["Hello."]),
    BOTH,
  ),
  embeddings: example("/v1/embeddings", "m", { input: ["hi", "ho"] }, embeddings, INPUT),
  moderation: example("/v1/moderations", "m", { input: "hi" }, moderations, INPUT),
  response: example(
    "/v1/responses",
    "m",
    { input: "hi", max_output_tokens: 20 },
    (_received, response) => json(response, 200, RESPONSE),
    BOTH,
  ),
  "response, streamed": example(
    "/v1/responses",
    "m",
    { input: HI, max_output_tokens: 20, stream: true },
    events(...RESPONSE_EVENTS),
    BOTH,
  ),
  messages: example(
    "/v1/messages",
    "claude",
    { messages: HI, max_tokens: 20 },
    (_received, response) => json(response, 200, MESSAGE),
    BOTH,
  ),
  "messages, streamed": example(
    "/v1/messages",
    "claude",
    { messages: HI, max_tokens: 20, stream: true },
    events(...MESSAGE_EVENTS),
    BOTH,
  ),
  gemini: example(
    "/v1beta/models:generateContent",
    "gemini",
    {
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      generationConfig: { maxOutputTokens: 20 },
    },
    (_received, response) => json(response, 200, geminiChunk("Hello.", { finishReason: "STOP" })),
    BOTH,
  ),
  "gemini, streamed": example(
    "/v1beta/models:streamGenerateContent?alt=sse",
    "gemini",
    {
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      generationConfig: { maxOutputTokens: 20 },
    },
    events(geminiChunk("Hel"), geminiChunk("lo.", { finishReason: "STOP" })),
    BOTH,
  ),
  rerank: example("/v1/rerank", "m", { query: "a", documents: ["b", "c"] }, rankings, INPUT),
  "rerank, by the search": example(
    "/v1/rerank",
    "ranker",
    { query: "a", documents: ["b", "c"] },
    (_received, response) =>
      json(response, 200, {
        id: "1",
        results: [{ index: 1, relevance_score: 0.9 }],
        meta: { api_version: { version: "2" }, billed_units: { search_units: 1 } },
      }),
    0.002,
  ),
  image: example("/v1/images/generations", "m", { prompt: "a cat", n: 1 }, images, BOTH),
  "image, edited": example(
    "/v1/images/edits",
    "m",
    form({ prompt: "a dog" }, "image"),
    images,
    BOTH,
  ),
  transcription: example("/v1/audio/transcriptions", "m", form({}, "file"), transcript, BOTH),
  translation: example("/v1/audio/translations", "m", form({}, "file"), transcript, BOTH),
  speech: example("/v1/audio/speech", "spoken", { input: "hello", voice: "alloy" }, sound, 0.005),
};

function example(
  address: string,
  model: string,
  body: Example["body"],
  ...[answer, spend]: readonly [answer: Script, spend: number]
): Example {
  const [route = address, query] = address.split("?");
  return { route, query: query === undefined ? "" : `?${query}`, model, body, answer, spend };
}

/** The body as a customer's call, with the customer where each kind of body has room for it. */
export function bodyFor({ body, model }: Example, user: string): FormData | string {
  if (!(body instanceof FormData)) return JSON.stringify({ ...body, model, user });
  const filled = new FormData();
  for (const [name, value] of body) filled.append(name, value);
  filled.append("model", model);
  filled.append("user", user);
  return filled;
}

function form(fields: Readonly<Record<string, string>>, file: string): FormData {
  const filled = new FormData();
  for (const [name, value] of Object.entries(fields)) filled.append(name, value);
  const type = file === "image" ? "image/png" : "audio/mpeg";
  filled.append(file, new Blob(["0123456789"], { type }), `x.${type.slice(-3)}`);
  return filled;
}

/** Every path on which the example's route comes in. */
export function pathsOf({ route, model, query }: Example): readonly string[] {
  return routeNamed(route).paths.map((path) => path.replace("{model}", model) + query);
}

export function routeNamed(name: string): Route {
  return ROUTES.find((route) => route.name === name) ?? assert.fail(`there is no route ${name}`);
}
