/** OpenAI's chat completions, and the older completions, which differ in what they ask and not in how they answer. */

import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import type { Asked, Dialect, EventKind, Sent, StreamShape } from "./dialect.ts";
import { dataEvent, objectAt, objectOf, payloadOf } from "./events.ts";
import {
  choicesIn,
  invalid,
  isSet,
  requireInput,
  requireTurns,
  streamIn,
  tokensIn,
} from "./fields.ts";

/** Roles, keep-alives and finish reasons that a choice's stream may have beside its tokens. */
const OTHER_EVENTS_MAX = 64;

/** What the older route answers with if nobody says otherwise; OpenAI's own default. */
const COMPLETION_TOKENS_DEFAULT = 16;

const stream: StreamShape = {
  markers: [Buffer.from('"usage"'), Buffer.from("[DONE]"), Buffer.from('"error"')],
  text: null,
  kindOf,
  usageAt: ["usage"],
  otherEventsMax: OTHER_EVENTS_MAX,
  errorEvent: dataEvent,
};

export const chat: Dialect = {
  family: "openai",
  convention: "openai_chat",
  read(body) {
    requireTurns(body, "messages");
    return asked(body, boundIn(body, ["max_completion_tokens", "max_tokens"]));
  },
  outbound,
  producedIn: (answer) => answer["choices"] ?? answer,
  stream,
};

export const completion: Dialect = {
  ...chat,
  read(body) {
    requireInput(body, "prompt");
    const read = asked(body, boundIn(body, ["max_tokens"]) ?? COMPLETION_TOKENS_DEFAULT);
    const prompts = isListOfPrompts(body["prompt"]) ? body["prompt"].length : 1;
    const tried = Math.max(read.choices, choicesIn(body, "best_of"));
    return { ...read, choices: tried * prompts };
  },
  // Its default bound is what the provider applies too, and it has no other field for one.
  outbound: (sent) => ({
    model: sent.model,
    ...(sent.bound?.mustBeTold === true ? { max_tokens: sent.bound.tokens } : {}),
    ...usageOption(sent),
  }),
};

function asked(body: JsonObject, outputTokensMax: number | null): Asked {
  const wantsUsage = isWanted(body["stream_options"]);
  const choices = choicesIn(body, "n");
  return { stream: streamIn(body), wantsUsage, outputTokensMax, choices };
}

/** Which of several a provider obeys is its own affair, so a ceiling must lean on the largest. */
function boundIn(body: JsonObject, fields: readonly string[]): number | null {
  const bounds = fields.flatMap((field) => tokensIn(body, field) ?? []);
  return bounds.length === 0 ? null : Math.max(...bounds);
}

function isWanted(options: Json | undefined): boolean {
  if (!isSet(options)) return false;
  if (!isObject(options)) throw invalid("stream_options must be an object.", "stream_options");
  return options["include_usage"] === true;
}

/** A list of texts is as many prompts; a list of numbers is one, in tokens. */
function isListOfPrompts(prompt: Json | undefined): prompt is readonly Json[] {
  return Array.isArray(prompt) && typeof prompt[0] !== "number";
}

function outbound(sent: Sent): JsonObject {
  return { model: sent.model, ...boundFields(sent), ...usageOption(sent) };
}

/** The bound in a field that the provider reads: it may be named in one that it does not. */
function boundFields({ body, provider, bound }: Sent): JsonObject {
  if (bound === null) return {};
  const { outputBoundField: field } = provider;
  const { max_completion_tokens: newer, max_tokens: older } = body;
  const unread = field === "max_tokens" && isSet(newer) && !isSet(older);
  // An absent field is not written: some providers refuse the newer name, and some refuse both at once.
  if (unread) return { max_completion_tokens: undefined, max_tokens: bound.tokens };
  if (!bound.mustBeTold) return {};
  const named = ["max_completion_tokens", "max_tokens"].filter((name) => isSet(body[name]));
  const fields = named.length > 0 ? named : [field];
  return Object.fromEntries(fields.map((name) => [name, bound.tokens]));
}

function usageOption({ body, asksForUsage }: Sent): JsonObject {
  if (!asksForUsage) return {};
  const options = body["stream_options"];
  return { stream_options: { ...(isObject(options) ? options : {}), include_usage: true } };
}

function kindOf(event: Buffer): EventKind {
  const payload = payloadOf(event);
  if (payload === "[DONE]") return "done";
  const data = objectOf(payload);
  if (objectAt(data, "error") !== null) return "error";
  if (objectAt(data, "usage") === null) return "plain";
  const choices = data?.["choices"];
  return Array.isArray(choices) && choices.length === 0 ? "usage" : "final";
}
