/** Gemini's content: every piece of a stream carries the usage so far, and the last one the reason why it ended. */

import { isObject, type JsonObject } from "../../platform/json.ts";
import type { Dialect, EventKind, Sent, StreamShape } from "./dialect.ts";
import { dataEvent, dataOf } from "./events.ts";
import { choicesIn, isSet, objectIn, requireTurns, tokensIn } from "./fields.ts";

/** Events have many tokens each, so this only lets very short answers come in many pieces. */
const OTHER_EVENTS_MAX = 64;

const FINISH = Buffer.from('"finishReason"');
const ERROR = Buffer.from('"error"');
/** What was searched is billed apart, and told once. */
const GROUNDING = Buffer.from('"groundingMetadata"');
const COUNTS = ['"candidatesTokenCount"', '"thoughtsTokenCount"'].map((name) => Buffer.from(name));

/** Without `usageAt`: Google's SDK for Python refuses a response that has a field which it does not know. */
const stream: StreamShape = {
  markers: [Buffer.from('"usageMetadata"'), FINISH, ERROR],
  text: null,
  kindOf,
  countedIn: (event) => COUNTS.reduce((total, name) => total + numberAfter(event, name), 0),
  otherEventsMax: OTHER_EVENTS_MAX,
  errorEvent: dataEvent,
};

export const gemini: Dialect = {
  family: "gemini",
  convention: "gemini",
  read: (body) => ({ ...asked(body), stream: false }),
  outbound,
  producedIn: (answer) => answer["candidates"] ?? answer,
  stream,
};

/** The path, and not the body, asks for a stream. */
export const geminiStream: Dialect = {
  ...gemini,
  read: (body) => ({ ...asked(body), stream: true }),
};

function asked(body: JsonObject) {
  requireTurns(body, "contents");
  const { value } = configIn(body);
  const bound = tokensIn(value, "maxOutputTokens") ?? tokensIn(value, "max_output_tokens");
  const named = isSet(value["candidate_count"]) ? "candidate_count" : "candidateCount";
  return { wantsUsage: true, outputTokensMax: bound ?? null, choices: choicesIn(value, named) };
}

/** Google reads its fields in either spelling. */
function configIn(body: JsonObject): { readonly name: string; readonly value: JsonObject } {
  const name = isSet(body["generation_config"]) ? "generation_config" : "generationConfig";
  return { name, value: objectIn(body, name) };
}

/** The model is in the path, and Google refuses fields that it does not know. */
const NOT_GOOGLES = {
  model: undefined,
  user: undefined,
  safety_identifier: undefined,
  metadata: undefined,
};

function outbound({ body, bound }: Sent): JsonObject {
  if (bound?.mustBeTold !== true) return NOT_GOOGLES;
  const { name, value } = configIn(body);
  const told = { ...value, max_output_tokens: undefined, maxOutputTokens: bound.tokens };
  return { ...NOT_GOOGLES, [name]: told };
}

/** Most events are told apart by their bytes alone: each has usage, and few are worth parsing. */
function kindOf(event: Buffer): EventKind {
  if (event.includes(ERROR) && isObject(dataOf(event)?.["error"])) return "error";
  if (event.includes(FINISH)) return "final";
  return event.includes(GROUNDING) ? "told" : "running";
}

/** Far more digits than a count of tokens has. */
const NUMBER_BYTES_MAX = 24;

/** The number behind a field's name; 0 if it is not there. */
function numberAfter(event: Buffer, name: Buffer): number {
  const at = event.indexOf(name);
  if (at === -1) return 0;
  const from = at + name.length;
  const digits = /^\s*:\s*(\d+)/.exec(event.toString("latin1", from, from + NUMBER_BYTES_MAX));
  return Number(digits?.[1] ?? 0);
}
