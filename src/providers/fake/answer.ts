/** The fake provider's answers, whichever API they are asked by: the same call always gets the same words. */

import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import { readScript, withoutMarkers, WORDS_MAX, type Script } from "./script.ts";

/** As OpenAI's own maximum of `n`. */
const CHOICES_MAX = 128;

/** Seconds; always the same, like all else. */
export const CREATED = 1_700_000_000;

/** What a body asks for, as far as the fake provider cares. */
export interface Asked {
  /** What is answered; its markers direct the answer. */
  readonly prompt: string;
  /** Everything that counts as input, the prompt included. */
  readonly texts: readonly string[];
  readonly bound?: number | undefined;
  readonly choices?: number | undefined;
}

/** One of the APIs: how it is asked and how it answers. */
export interface Form {
  /** Undefined if the body is not one of its own. */
  readonly read: (body: JsonObject) => Asked | undefined;
  /** The body of an answer that is not streamed. */
  readonly whole: (answer: Answer) => string;
  /** The events of one that is; absent where there are no streams. */
  readonly events?: (answer: Answer) => Iterable<string>;
}

export interface Answer {
  /** Of the call, without the prefix that each API has. */
  readonly id: string;
  readonly body: JsonObject;
  readonly model: string;
  readonly script: Script;
  readonly stream: boolean;
  readonly choices: number;
  readonly words: readonly string[];
  readonly isCut: boolean;
  /** Null if none are reported. */
  readonly tokens: Tokens | null;
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

export function answerTo(body: JsonObject, asked: Asked): Answer {
  const script = readScript(asked.prompt);
  const choices = Math.min(Math.max(asked.choices ?? 1, 1), CHOICES_MAX);
  const wordsMax = Math.floor(WORDS_MAX / choices);
  const wanted = answerWords(withoutMarkers(asked.prompt), script, wordsMax);
  const words = script.heedsBound ? wanted.slice(0, asked.bound) : wanted;
  return {
    id: createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 24),
    body,
    model: typeof body["model"] === "string" ? body["model"] : "fake",
    script,
    stream: body["stream"] === true,
    choices,
    words,
    isCut: words.length < wanted.length,
    tokens: tokensOf(script, asked.texts, words.length * choices),
  };
}

/** The words as the deltas of a stream. */
export function piecesOf({ words }: Answer): readonly string[] {
  return words.map((word, index) => (index === 0 ? word : ` ${word}`));
}

export function failure(status: number, message: string): string {
  const type =
    status === 429 ? "requests" : status < 500 ? "invalid_request_error" : "server_error";
  const code = status === 429 ? "rate_limit_exceeded" : null;
  return JSON.stringify({ error: { message, type, param: null, code } });
}

/** A conversation, of which the user's last turn is answered. */
export function askedInTurns(turns: Json | undefined): Asked | undefined {
  if (!Array.isArray(turns)) return undefined;
  const own = turns.findLast((turn) => isObject(turn) && turn["role"] === "user");
  return { prompt: textOf(own), texts: turns.map((turn) => textOf(turn)) };
}

/** Texts of which the last is answered. */
export function askedInTexts(given: Json | undefined): Asked | undefined {
  const texts = (Array.isArray(given) ? given : [given]).filter((one) => typeof one === "string");
  const prompt = texts.at(-1);
  return prompt === undefined ? undefined : { prompt, texts };
}

export function numberIn(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  return typeof value === "number" ? value : undefined;
}

/** The prompt's own words, over and over where more are wanted. */
function answerWords(prompt: string, script: Script, wordsMax: number): readonly string[] {
  const said = wordsIn(prompt);
  const source = said.length === 0 ? ["Hello."] : ["You", "said:", ...said];
  const length = Math.min(script.words ?? source.length, wordsMax);
  return Array.from({ length }, (_, index) => source[index % source.length] ?? "");
}

/** A word is a token. */
function tokensOf(script: Script, texts: readonly string[], output: number): Tokens | null {
  if (script.usage === "unreported") return null;
  if (script.usage !== "counted") {
    return { input: script.usage.promptTokens, output: script.usage.completionTokens };
  }
  return { input: texts.reduce((sum, text) => sum + wordsIn(text).length, 0), output };
}

function wordsIn(text: string): readonly string[] {
  return text.match(/\S+/g) ?? [];
}

/** The text of a turn, whose content is a string or a list of parts. */
function textOf(turn: Json | undefined): string {
  const content = isObject(turn) ? turn["content"] : undefined;
  const parts = Array.isArray(content) ? content : [{ text: content }];
  return parts
    .map((part: unknown) => (isObject(part) ? part["text"] : undefined))
    .filter((text) => typeof text === "string")
    .join(" ");
}
