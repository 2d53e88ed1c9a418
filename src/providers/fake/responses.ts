/** OpenAI's responses. */

import type { Json, JsonObject } from "../../platform/json.ts";
import {
  askedInTexts,
  askedInTurns,
  CREATED,
  numberIn,
  piecesOf,
  type Answer,
  type Form,
} from "./answer.ts";

export const responses: Form = {
  read({ input, ...body }) {
    const asked = typeof input === "string" ? askedInTexts(input) : askedInTurns(input);
    return asked && { ...asked, bound: numberIn(body, "max_output_tokens") };
  },
  whole: (answer) => JSON.stringify(ended(answer)),
  *events(answer) {
    let number = 0;
    for (const event of told(answer)) {
      const data = JSON.stringify({ ...event, sequence_number: number++ });
      yield `event: ${event.type}\ndata: ${data}\n\n`;
    }
  },
};

type Event = JsonObject & { readonly type: string };

/** One token each. */
function* told(answer: Answer): Generator<Event> {
  const item = itemOf(answer, { status: "in_progress", content: [] });
  const whole = itemOf(answer);
  const text = answer.words.join(" ");
  const at = { item_id: item["id"], output_index: 0, content_index: 0 };
  yield { type: "response.created", response: begun(answer) };
  yield { type: "response.output_item.added", output_index: 0, item };
  yield { type: "response.content_part.added", ...at, part: partOf("") };
  for (const delta of piecesOf(answer)) yield { type: "response.output_text.delta", ...at, delta };
  yield { type: "response.output_text.done", ...at, text };
  yield { type: "response.content_part.done", ...at, part: partOf(text) };
  yield { type: "response.output_item.done", output_index: 0, item: whole };
  const response = ended(answer);
  yield { type: answer.isCut ? "response.incomplete" : "response.completed", response };
}

function begun({ id, model }: Answer): JsonObject {
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: CREATED,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    model,
    output: [],
    usage: null,
  };
}

function ended(answer: Answer): JsonObject {
  const { isCut } = answer;
  return {
    ...begun(answer),
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: [itemOf(answer)],
    usage: usageOf(answer),
  };
}

function itemOf({ id, words, isCut }: Answer, more: JsonObject = {}): JsonObject {
  return {
    id: `msg_${id}`,
    type: "message",
    status: isCut ? "incomplete" : "completed",
    role: "assistant",
    content: [partOf(words.join(" "))],
    ...more,
  };
}

function partOf(text: string): JsonObject {
  return { type: "output_text", text, annotations: [] };
}

function usageOf({ tokens }: Answer): Json {
  if (tokens === null) return null;
  const { input, output } = tokens;
  return { input_tokens: input, output_tokens: output, total_tokens: input + output };
}
