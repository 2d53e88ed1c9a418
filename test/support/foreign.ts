/** Providers with a language of their own, scripted in the shapes of their documents; each answer uses 20 in, 20 out. */

import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import type { ServerResponse } from "node:http";
import { events, geminiChunk, MESSAGE, MESSAGE_EVENTS } from "./dialects.ts";
import { json, type Received, type Script } from "./upstream.ts";

export interface Foreign {
  /** `litellm_params`, without the address. */
  readonly params: Readonly<Record<string, string>>;
  readonly whole: Script;
  readonly streamed: Script;
  /** Where the provider finds the bound that it is sent. */
  readonly boundIn: (received: Received) => unknown;
  readonly error: Script;
}

const ANTHROPIC_TOOL = [
  MESSAGE_EVENTS[0],
  {
    type: "content_block_start",
    index: 0,
    content_block: { type: "tool_use", id: "toolu_1", name: "weather", input: {} },
  },
  {
    type: "content_block_delta",
    index: 0,
    delta: { type: "input_json_delta", partial_json: '{"city":' },
  },
  {
    type: "content_block_delta",
    index: 0,
    delta: { type: "input_json_delta", partial_json: '"Oslo"}' },
  },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "tool_use", stop_sequence: null },
    usage: { output_tokens: 20 },
  },
  { type: "message_stop" },
];

export const anthropicTool: Script = events(...ANTHROPIC_TOOL);

const CONVERSE_USAGE = { inputTokens: 20, outputTokens: 20, totalTokens: 40 };
const COHERE_USAGE = {
  billed_units: { input_tokens: 20, output_tokens: 20 },
  tokens: { input_tokens: 90, output_tokens: 20 },
};

export const FOREIGN: Readonly<Record<string, Foreign>> = {
  anthropic: {
    params: { model: "anthropic/claude-sonnet-4-5", api_key: "k" },
    whole: (_received, response) => json(response, 200, MESSAGE),
    streamed: events(...MESSAGE_EVENTS),
    boundIn: ({ body }) => body["max_tokens"],
    error: (_received, response) =>
      json(response, 429, { type: "error", error: { type: "rate_limit_error", message: "slow" } }),
  },
  gemini: {
    params: { model: "gemini/gemini-2.5-flash", api_key: "k" },
    whole: (_received, response) =>
      json(response, 200, geminiChunk("Hello.", { finishReason: "STOP" })),
    streamed: events(geminiChunk("Hel"), geminiChunk("lo.", { finishReason: "STOP" })),
    boundIn: ({ body }) => at(body["generationConfig"], "maxOutputTokens"),
    error: (_received, response) =>
      json(response, 429, { error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED" } }),
  },
  vertex: {
    params: { model: "vertex_ai/gemini-2.5-flash", api_key: "k" },
    whole: (_received, response) =>
      json(response, 200, geminiChunk("Hello.", { finishReason: "STOP" })),
    streamed: events(geminiChunk("Hel"), geminiChunk("lo.", { finishReason: "STOP" })),
    boundIn: ({ body }) => at(body["generationConfig"], "maxOutputTokens"),
    error: (_received, response) =>
      json(response, 429, { error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED" } }),
  },
  bedrock: {
    params: {
      model: "bedrock/amazon.nova-lite-v1:0",
      aws_region_name: "us-east-1",
      aws_access_key_id: "AKIATEST",
      aws_secret_access_key: "secret",
    },
    whole: (_received, response) =>
      json(response, 200, {
        output: { message: { role: "assistant", content: [{ text: "Hello." }] } },
        stopReason: "end_turn",
        usage: CONVERSE_USAGE,
        metrics: { latencyMs: 1 },
      }),
    streamed: (_received, response) => {
      response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
      frame(response, "messageStart", { role: "assistant" });
      frame(response, "contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hel" } });
      frame(response, "contentBlockDelta", { contentBlockIndex: 0, delta: { text: "lo." } });
      frame(response, "contentBlockStop", { contentBlockIndex: 0 });
      frame(response, "messageStop", { stopReason: "end_turn" });
      frame(response, "metadata", { usage: CONVERSE_USAGE, metrics: { latencyMs: 1 } });
      response.end();
    },
    boundIn: ({ body }) => at(body["inferenceConfig"], "maxTokens"),
    error: (_received, response) => json(response, 429, { message: "slow" }),
  },
  cohere: {
    params: { model: "cohere/command-r-plus", api_key: "k" },
    whole: (_received, response) =>
      json(response, 200, {
        id: "1",
        finish_reason: "COMPLETE",
        message: { role: "assistant", content: [{ type: "text", text: "Hello." }] },
        usage: COHERE_USAGE,
      }),
    streamed: events(
      { type: "message-start", id: "1" },
      {
        type: "content-start",
        index: 0,
        delta: { message: { content: { type: "text", text: "" } } },
      },
      { type: "content-delta", index: 0, delta: { message: { content: { text: "Hel" } } } },
      { type: "content-delta", index: 0, delta: { message: { content: { text: "lo." } } } },
      { type: "content-end", index: 0 },
      { type: "message-end", delta: { finish_reason: "COMPLETE", usage: COHERE_USAGE } },
    ),
    boundIn: ({ body }) => body["max_tokens"],
    error: (_received, response) => json(response, 429, { message: "slow" }),
  },
};

const codec = new EventStreamCodec(toUtf8, fromUtf8);

/** One message of Amazon's binary stream. */
function frame(response: ServerResponse, type: string, body: unknown): void {
  const headers = {
    ":event-type": { type: "string", value: type },
    ":content-type": { type: "string", value: "application/json" },
    ":message-type": { type: "string", value: "event" },
  } as const;
  response.write(codec.encode({ headers, body: fromUtf8(JSON.stringify(body)) }));
}

function at(value: unknown, field: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[field];
}
