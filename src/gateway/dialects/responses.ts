/** OpenAI's responses: usage comes with the event that brings the whole response. */

import { isObject, type JsonObject } from "../../platform/json.ts";
import type { Dialect, EventKind, Sent, StreamShape } from "./dialect.ts";
import { dataOf, namedEvent, objectAt, textAt } from "./events.ts";
import { invalid, isSet, requireInput, streamIn, tokensIn } from "./fields.ts";

/** Each item, part and call has an event for its beginning and one for its end; agents answer in dozens of items. */
const OTHER_EVENTS_MAX = 1024;

const stream: StreamShape = {
  // Running events repeat the response with `"usage":null`, which the meter skips.
  markers: [Buffer.from('"usage"'), Buffer.from('"error"')],
  text: Buffer.from(".delta"),
  kindOf,
  usageAt: ["response", "usage"],
  otherEventsMax: OTHER_EVENTS_MAX,
  errorEvent: ({ error: { code, message, param } }) =>
    namedEvent("error", { type: "error", code, message, param, sequence_number: 0 }),
};

export const responses: Dialect = {
  family: "openai",
  convention: "openai_responses",
  read(body) {
    // A stored prompt or conversation may stand for the input.
    if (isSet(body["input"])) requireInput(body, "input");
    else if (!isSet(body["prompt"]) && !isSet(body["conversation"])) {
      throw invalid("input must be text or a non-empty array.", "input");
    }
    if (body["background"] === true) {
      throw invalid("background responses are not served: nobody would settle them.", "background");
    }
    const outputTokensMax = tokensIn(body, "max_output_tokens") ?? null;
    return { stream: streamIn(body), wantsUsage: true, outputTokensMax, choices: 1 };
  },
  outbound: ({ model, bound }: Sent): JsonObject => ({
    model,
    ...(bound?.mustBeTold === true ? { max_output_tokens: bound.tokens } : {}),
  }),
  producedIn: (answer) => answer["output"] ?? answer,
  stream,
};

const ENDS = new Set(["response.completed", "response.incomplete", "response.failed"]);

function kindOf(event: Buffer): EventKind {
  const data = dataOf(event);
  if (data?.["type"] === "error") return "error";
  if (!ENDS.has(textAt(data, "type"))) return "plain";
  const response = objectAt(data, "response");
  if (isObject(response?.["usage"])) return "final";
  return data?.["type"] === "response.failed" ? "error" : "plain";
}
