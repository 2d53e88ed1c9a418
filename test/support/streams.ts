/** A stream of each dialect in parts, so that a test can break it anywhere. */

import { MESSAGE_START, RESPONSE } from "./dialects.ts";

export interface StreamParts {
  readonly path: string;
  readonly model: string;
  readonly body: object;
  /** What comes before the first word. */
  readonly begin: readonly unknown[];
  readonly word: unknown;
  /** What comes last, with the usage that is told; with `undefined`, without any. */
  readonly end: (tokens: number | undefined) => readonly unknown[];
  readonly error: unknown;
  /** Of what is charged after three words and no usage, what does the provider's own count of the input make? */
  readonly tellsInputFirst: boolean;
}

const HI = [{ role: "user", content: "hi" }];
const BLOCK = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };

function chatChunk(choice: object): unknown {
  return {
    id: "1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, ...choice }],
    usage: null,
  };
}

export const STREAMS: Readonly<Record<string, StreamParts>> = {
  chat: {
    path: "/v1/chat/completions",
    model: "m",
    body: { messages: HI, max_tokens: 20, stream: true },
    begin: [chatChunk({ delta: { role: "assistant", content: "" }, finish_reason: null })],
    word: chatChunk({ delta: { content: "word " }, finish_reason: null }),
    end: (tokens) => [
      chatChunk({ delta: {}, finish_reason: "stop" }),
      ...(tokens === undefined
        ? []
        : [{ choices: [], usage: { prompt_tokens: tokens, completion_tokens: tokens } }]),
    ],
    error: { error: { message: "overloaded", type: "server_error" } },
    tellsInputFirst: false,
  },
  responses: {
    path: "/v1/responses",
    model: "m",
    body: { input: "hi", max_output_tokens: 20, stream: true },
    begin: [{ type: "response.created", response: { ...RESPONSE, output: [], usage: null } }],
    word: { type: "response.output_text.delta", item_id: "msg_1", delta: "word " },
    end: (tokens) => {
      const usage = tokens === undefined ? null : { input_tokens: tokens, output_tokens: tokens };
      return [{ type: "response.completed", response: { ...RESPONSE, usage } }];
    },
    error: { type: "error", code: "server_error", message: "overloaded" },
    tellsInputFirst: false,
  },
  messages: {
    path: "/v1/messages",
    model: "claude",
    body: { messages: HI, max_tokens: 20, stream: true },
    begin: [MESSAGE_START, BLOCK],
    word: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "word " } },
    end: (tokens) => {
      const delta = { stop_reason: "end_turn" };
      const usage = { input_tokens: tokens, output_tokens: tokens };
      const last = { type: "message_delta", delta, ...(tokens === undefined ? {} : { usage }) };
      return [last, { type: "message_stop" }];
    },
    error: { type: "error", error: { type: "overloaded_error", message: "overloaded" } },
    tellsInputFirst: true,
  },
  gemini: {
    path: "/v1beta/models/gemini:streamGenerateContent?alt=sse",
    model: "gemini",
    body: {
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      generationConfig: { maxOutputTokens: 20 },
    },
    begin: [],
    word: { candidates: [{ content: { role: "model", parts: [{ text: "word " }] }, index: 0 }] },
    end: (tokens) => [
      {
        candidates: [{ finishReason: "STOP", index: 0 }],
        ...(tokens === undefined
          ? {}
          : { usageMetadata: { promptTokenCount: tokens, candidatesTokenCount: tokens } }),
      },
    ],
    error: { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } },
    tellsInputFirst: false,
  },
};
