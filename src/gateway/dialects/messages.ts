/** Anthropic's messages: a stream tells the input at its beginning and the output with its last but one event. */

import type { JsonObject } from "../../platform/json.ts";
import type { Dialect, EventKind, Sent, StreamShape } from "./dialect.ts";
import { dataOf, namedEvent, objectAt, textAt } from "./events.ts";
import { invalid, requireTurns, streamIn, tokensIn } from "./fields.ts";

/** Beginnings and ends of content blocks, and a ping every few seconds of thought. */
const OTHER_EVENTS_MAX = 1024;

const stream: StreamShape = {
  markers: [Buffer.from('"usage"'), Buffer.from('"message_stop"'), Buffer.from('"error"')],
  text: Buffer.from('"content_block_delta"'),
  kindOf,
  usageAt: ["usage"],
  otherEventsMax: OTHER_EVENTS_MAX,
  errorEvent: ({ error: { type, message } }) =>
    namedEvent("error", { type: "error", error: { type, message } }),
};

export const messages: Dialect = {
  family: "anthropic",
  convention: "anthropic",
  read(body) {
    requireTurns(body, "messages");
    const outputTokensMax = tokensIn(body, "max_tokens");
    if (outputTokensMax === undefined) {
      throw invalid("max_tokens must be a whole number of at least 1.", "max_tokens");
    }
    return { stream: streamIn(body), wantsUsage: true, outputTokensMax, choices: 1 };
  },
  // Anthropic refuses fields that it does not know.
  outbound: ({ model, bound }: Sent): JsonObject => ({
    model,
    user: undefined,
    safety_identifier: undefined,
    ...(bound?.mustBeTold === true ? { max_tokens: bound.tokens } : {}),
  }),
  producedIn: (answer) => answer["content"] ?? answer,
  stream,
};

/** The same body, asked for its length only. */
export const counting: Dialect = {
  ...messages,
  read(body) {
    requireTurns(body, "messages");
    return { stream: false, wantsUsage: true, outputTokensMax: 0, choices: 1 };
  },
  outbound: ({ model }) => ({ model, user: undefined, safety_identifier: undefined }),
  stream: null,
};

function kindOf(event: Buffer): EventKind {
  const data = dataOf(event);
  switch (textAt(data, "type")) {
    case "message_start":
      return "told";
    case "message_delta":
      return objectAt(data, "usage") === null ? "plain" : "final";
    case "message_stop":
      return "done";
    case "error":
      return "error";
    default:
      return "plain";
  }
}
