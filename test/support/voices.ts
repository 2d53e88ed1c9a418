/** What a model says, in the words of each provider that has a language of its own, as its documents show them. */

import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import type { ServerResponse } from "node:http";
import { events, MESSAGE, MESSAGE_START } from "./dialects.ts";
import { json, type Script } from "./upstream.ts";

/** One answer: what was thought, what was said, and the tool that was called; 20 tokens in and 20 out. */
export interface Said {
  readonly reasoning?: string;
  readonly text?: string;
  readonly call?: { readonly name: string; readonly input: object };
}

export interface Voice {
  readonly whole: (said: Said) => Script;
  readonly streamed: (said: Said) => Script;
  /** Tells of an error after these words. */
  readonly failing: (text: string) => Script;
  readonly error: (message: string) => unknown;
}

export const ANTHROPIC: Voice = {
  whole: (said) => (_received, response) =>
    json(response, 200, {
      ...MESSAGE,
      content: anthropicBlocks(said),
      stop_reason: anthropicStop(said),
    }),
  streamed: (said) =>
    events(
      MESSAGE_START,
      ...anthropicBlocks(said).flatMap(anthropicEvents),
      {
        type: "message_delta",
        delta: { stop_reason: anthropicStop(said), stop_sequence: null },
        usage: { output_tokens: 20 },
      },
      { type: "message_stop" },
    ),
  failing: (text) =>
    events(MESSAGE_START, ...anthropicEvents({ type: "text", text }, 0).slice(0, -1), {
      type: "error",
      error: { type: "overloaded_error", message: "Overloaded" },
    }),
  error: (message) => ({ type: "error", error: { type: "an_error", message } }),
};

type Block = Readonly<Record<string, unknown>> & { readonly type: string };

function anthropicBlocks({ reasoning, text, call }: Said): readonly Block[] {
  return [
    ...(reasoning === undefined
      ? []
      : [{ type: "thinking", thinking: reasoning, signature: "c2ln" }]),
    ...(text === undefined ? [] : [{ type: "text", text }]),
    ...(call === undefined ? [] : [{ type: "tool_use", id: "toolu_1", ...call }]),
  ];
}

function anthropicStop({ call }: Said): string {
  return call === undefined ? "end_turn" : "tool_use";
}

function anthropicEvents(block: Block, index: number): readonly unknown[] {
  const { type, text, thinking, signature, input } = block;
  const shown = (delta: object) => ({ type: "content_block_delta", index, delta });
  const begun = (content_block: object) => ({ type: "content_block_start", index, content_block });
  const end = { type: "content_block_stop", index };
  if (type === "text") {
    const deltas = halves(text).map((half) => shown({ type: "text_delta", text: half }));
    return [begun({ type, text: "" }), ...deltas, end];
  }
  if (type === "thinking") {
    const deltas = halves(thinking).map((half) =>
      shown({ type: "thinking_delta", thinking: half }),
    );
    const signed = shown({ type: "signature_delta", signature });
    return [begun({ type, thinking: "", signature: "" }), ...deltas, signed, end];
  }
  const deltas = halves(JSON.stringify(input)).map((half) =>
    shown({ type: "input_json_delta", partial_json: half }),
  );
  return [begun({ ...block, input: {} }), ...deltas, end];
}

export const GEMINI: Voice = {
  whole: (said) => (_received, response) => {
    json(response, 200, geminiAnswer(said, geminiParts(said), "STOP"));
  },
  streamed: (said) => {
    const parts = geminiParts(said).flatMap(geminiHalves);
    return events(
      ...parts.map((part, index) =>
        geminiAnswer(said, [part], index === parts.length - 1 ? "STOP" : undefined),
      ),
    );
  },
  failing: (text) =>
    events(geminiAnswer({ text }, [{ text }]), {
      error: { ...UNAVAILABLE, message: "Overloaded" },
    }),
  error: (message) => ({ error: { ...UNAVAILABLE, message } }),
};

const UNAVAILABLE = { code: 503, status: "UNAVAILABLE" };

type GeminiPart = Readonly<Record<string, unknown>> & { readonly text?: string };

function geminiParts({ reasoning, text, call }: Said): readonly GeminiPart[] {
  return [
    ...(reasoning === undefined ? [] : [{ text: reasoning, thought: true }]),
    ...(text === undefined ? [] : [{ text }]),
    ...(call === undefined
      ? []
      : [{ functionCall: { name: call.name, args: call.input }, thoughtSignature: "c2ln" }]),
  ];
}

function geminiHalves(part: GeminiPart): readonly GeminiPart[] {
  return part.text === undefined
    ? [part]
    : halves(part.text).map((half) => ({ ...part, text: half }));
}

function geminiAnswer(said: Said, parts: readonly GeminiPart[], finishReason?: string): unknown {
  const thoughts = said.reasoning === undefined ? 0 : 8;
  return {
    candidates: [{ content: { role: "model", parts }, index: 0, finishReason }],
    usageMetadata: {
      promptTokenCount: 20,
      candidatesTokenCount: 20 - thoughts,
      thoughtsTokenCount: thoughts,
      totalTokenCount: 40,
    },
    modelVersion: "gemini-2.5-flash",
  };
}

export const CONVERSE: Voice = {
  whole: (said) => (_received, response) =>
    json(response, 200, {
      output: { message: { role: "assistant", content: converseBlocks(said) } },
      stopReason: converseStop(said),
      ...CONVERSE_USAGE,
    }),
  streamed: (said) => (_received, response) => {
    startFrames(response);
    for (const [index, block] of converseBlocks(said).entries()) {
      sendBlock(response, block, index);
      frame(response, "contentBlockStop", { contentBlockIndex: index });
    }
    frame(response, "messageStop", { stopReason: converseStop(said) });
    frame(response, "metadata", CONVERSE_USAGE);
    response.end();
  },
  failing: (text) => (_received, response) => {
    startFrames(response);
    sendBlock(response, { text }, 0);
    frame(response, "throttlingException", { message: "Overloaded" }, "exception");
    response.end();
  },
  error: (message) => ({ message }),
};

const CONVERSE_USAGE = {
  usage: { inputTokens: 20, outputTokens: 20, totalTokens: 40 },
  metrics: { latencyMs: 1 },
};

interface ConverseBlock {
  readonly text?: string;
  readonly reasoningContent?: { readonly reasoningText: { text: string; signature: string } };
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: object };
}

function converseBlocks({ reasoning, text, call }: Said): readonly ConverseBlock[] {
  return [
    ...(reasoning === undefined
      ? []
      : [{ reasoningContent: { reasoningText: { text: reasoning, signature: "c2ln" } } }]),
    ...(text === undefined ? [] : [{ text }]),
    ...(call === undefined ? [] : [{ toolUse: { toolUseId: "tooluse_1", ...call } }]),
  ];
}

function converseStop({ call }: Said): string {
  return call === undefined ? "end_turn" : "tool_use";
}

function startFrames(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
  frame(response, "messageStart", { role: "assistant" });
}

function sendBlock(response: ServerResponse, block: ConverseBlock, index: number): void {
  const { text, reasoningContent, toolUse } = block;
  const send = (delta: object) =>
    frame(response, "contentBlockDelta", { contentBlockIndex: index, delta });
  for (const half of halves(text)) send({ text: half });
  for (const half of halves(reasoningContent?.reasoningText.text)) {
    send({ reasoningContent: { text: half } });
  }
  if (reasoningContent !== undefined) {
    send({ reasoningContent: { signature: reasoningContent.reasoningText.signature } });
  }
  if (toolUse === undefined) return;
  const { input, ...start } = toolUse;
  frame(response, "contentBlockStart", { contentBlockIndex: index, start: { toolUse: start } });
  for (const half of halves(JSON.stringify(input))) send({ toolUse: { input: half } });
}

const codec = new EventStreamCodec(toUtf8, fromUtf8);

/** One message of Amazon's binary stream. */
function frame(response: ServerResponse, type: string, body: unknown, kind = "event"): void {
  const headers = {
    [`:${kind}-type`]: { type: "string", value: type },
    ":content-type": { type: "string", value: "application/json" },
    ":message-type": { type: "string", value: kind },
  } as const;
  response.write(codec.encode({ headers, body: fromUtf8(JSON.stringify(body)) }));
}

export const COHERE: Voice = {
  whole: (said) => (_received, response) =>
    json(response, 200, {
      id: "1",
      finish_reason: cohereFinish(said),
      message: { role: "assistant", content: cohereBlocks(said), tool_calls: cohereCalls(said) },
      usage: COHERE_USAGE,
    }),
  streamed: (said) =>
    events(
      { type: "message-start", id: "1" },
      ...cohereBlocks(said).flatMap(cohereEvents),
      ...cohereCalls(said).flatMap(cohereCallEvents),
      { type: "message-end", delta: { finish_reason: cohereFinish(said), usage: COHERE_USAGE } },
    ),
  /** It has no event for an error but an end of this kind. */
  failing: (text) =>
    events({ type: "message-start", id: "1" }, ...cohereEvents({ type: "text", text }, 0), {
      type: "message-end",
      delta: { finish_reason: "ERROR", usage: COHERE_USAGE },
    }),
  error: (message) => ({ message }),
};

const COHERE_USAGE = {
  billed_units: { input_tokens: 20, output_tokens: 20 },
  tokens: { input_tokens: 90, output_tokens: 20 },
};

function cohereBlocks({ reasoning, text }: Said): readonly Block[] {
  return [
    ...(reasoning === undefined ? [] : [{ type: "thinking", thinking: reasoning }]),
    ...(text === undefined ? [] : [{ type: "text", text }]),
  ];
}

function cohereCalls({ call }: Said) {
  if (call === undefined) return [];
  const made = { name: call.name, arguments: JSON.stringify(call.input) };
  return [{ id: "call_1", type: "function", function: made }];
}

function cohereFinish({ call }: Said): string {
  return call === undefined ? "COMPLETE" : "TOOL_CALL";
}

function cohereEvents({ type, ...block }: Block, index: number): readonly unknown[] {
  const name = type === "text" ? "text" : "thinking";
  return [
    { type: "content-start", index, delta: { message: { content: { type, [name]: "" } } } },
    ...halves(block[name]).map((half) => ({
      type: "content-delta",
      index,
      delta: { message: { content: { [name]: half } } },
    })),
    { type: "content-end", index },
  ];
}

function cohereCallEvents(call: ReturnType<typeof cohereCalls>[number]): readonly unknown[] {
  return [
    {
      type: "tool-call-start",
      index: 0,
      delta: {
        message: { tool_calls: { ...call, function: { ...call.function, arguments: "" } } },
      },
    },
    ...halves(call.function.arguments).map((half) => ({
      type: "tool-call-delta",
      index: 0,
      delta: { message: { tool_calls: { function: { arguments: half } } } },
    })),
    { type: "tool-call-end", index: 0 },
  ];
}

/** Words come in pieces. */
function halves(text: unknown): readonly string[] {
  if (typeof text !== "string") return [];
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}
