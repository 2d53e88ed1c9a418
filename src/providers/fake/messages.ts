/** Anthropic's messages, and counting their tokens. */

import type { JsonObject } from "../../platform/json.ts";
import { askedInTurns, numberIn, piecesOf, type Answer, type Form } from "./answer.ts";

export const messages: Form = {
  read(body) {
    const asked = askedInTurns(body["messages"]);
    return asked && { ...asked, bound: numberIn(body, "max_tokens") };
  },
  whole: (answer) => JSON.stringify(ended(answer)),
  *events(answer) {
    for (const event of told(answer)) {
      yield `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    }
  },
};

export const counting: Form = {
  read: (body) => askedInTurns(body["messages"]),
  whole: ({ tokens }) => JSON.stringify({ input_tokens: tokens?.input ?? 0 }),
};

type Event = JsonObject & { readonly type: string };

/** One token each. As Anthropic does, the first event tells the input and the last but one the output. */
function* told(answer: Answer): Generator<Event> {
  const { tokens, isCut } = answer;
  const message = { ...ended(answer), content: [], stop_reason: null };
  const begun = tokens === null ? {} : { usage: { input_tokens: tokens.input, output_tokens: 1 } };
  yield { type: "message_start", message: { ...message, ...begun } };
  yield { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
  for (const text of piecesOf(answer)) {
    yield { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
  }
  yield { type: "content_block_stop", index: 0 };
  const delta = { stop_reason: reason(isCut), stop_sequence: null };
  const usage = tokens === null ? {} : { usage: { output_tokens: tokens.output } };
  yield { type: "message_delta", delta, ...usage };
  yield { type: "message_stop" };
}

function ended({ id, model, words, isCut, tokens }: Answer): JsonObject {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "text", text: words.join(" ") }],
    stop_reason: reason(isCut),
    stop_sequence: null,
    ...(tokens === null
      ? {}
      : { usage: { input_tokens: tokens.input, output_tokens: tokens.output } }),
  };
}

function reason(isCut: boolean): string {
  return isCut ? "max_tokens" : "end_turn";
}
