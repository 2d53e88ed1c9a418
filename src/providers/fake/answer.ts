/** The fake provider's answers: the same call always gets the same bytes. */

import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import { readScript, withoutMarkers, WORDS_MAX, type Script } from "./script.ts";

/** As OpenAI's own maximum of `n`. */
const CHOICES_MAX = 128;

const HEAD = { created: 1_700_000_000, system_fingerprint: "fp_fake" };

export interface Answer {
  readonly id: string;
  readonly model: string;
  readonly script: Script;
  readonly stream: boolean;
  readonly streamsUsage: boolean;
  readonly choices: number;
  readonly words: readonly string[];
  readonly finishReason: "stop" | "length";
  /** Null if none is reported. */
  readonly usage: JsonObject | null;
}

/** Undefined if the body is no chat. */
export function answerTo(body: Json): Answer | undefined {
  if (!isObject(body) || !Array.isArray(body["messages"])) return undefined;
  const messages: readonly Json[] = body["messages"];
  const prompt = textOf(messages.findLast((message) => roleOf(message) === "user"));
  const script = readScript(prompt);
  const choices = Math.min(Math.max(numberIn(body, "n") ?? 1, 1), CHOICES_MAX);
  const wanted = answerWords(withoutMarkers(prompt), script, Math.floor(WORDS_MAX / choices));
  const bound = numberIn(body, "max_completion_tokens") ?? numberIn(body, "max_tokens");
  const words = script.heedsBound ? wanted.slice(0, bound) : wanted;
  const streamOptions = body["stream_options"];
  return {
    id: `chatcmpl-${createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 24)}`,
    model: typeof body["model"] === "string" ? body["model"] : "fake",
    script,
    stream: body["stream"] === true,
    streamsUsage: isObject(streamOptions) && streamOptions["include_usage"] === true,
    choices,
    words,
    finishReason: words.length < wanted.length ? "length" : "stop",
    usage: usageOf(script, messages, words.length * choices),
  };
}

/** The body of an answer that is not streamed. */
export function completion(answer: Answer): string {
  const { id, model, choices, words, finishReason, usage } = answer;
  const message = { role: "assistant", content: words.join(" "), refusal: null };
  return JSON.stringify({
    id,
    object: "chat.completion",
    ...HEAD,
    model,
    choices: eachChoice(choices, { message, logprobs: null, finish_reason: finishReason }),
    ...(usage === null ? {} : { usage }),
  });
}

/** The events of a streamed answer, one token each. */
export function* events(answer: Answer): Generator<string> {
  const { choices, words, finishReason, usage, streamsUsage } = answer;
  for (const choice of eachChoice(choices, delta({ role: "assistant", content: "" }))) {
    yield chunk(answer, [choice]);
  }
  for (const [index, word] of words.entries()) {
    const content = index === 0 ? word : ` ${word}`;
    for (const choice of eachChoice(choices, delta({ content }))) yield chunk(answer, [choice]);
  }
  for (const choice of eachChoice(choices, delta({}, finishReason))) yield chunk(answer, [choice]);
  if (streamsUsage && usage !== null) yield chunk(answer, [], usage);
  yield "data: [DONE]\n\n";
}

export function failure(status: number, message: string): string {
  const type =
    status === 429 ? "requests" : status < 500 ? "invalid_request_error" : "server_error";
  const code = status === 429 ? "rate_limit_exceeded" : null;
  return JSON.stringify({ error: { message, type, param: null, code } });
}

/** As OpenAI does, every other event of a stream with usage says that its usage is null. */
function chunk(answer: Answer, choices: readonly Json[], usage: Json = null): string {
  const body = {
    id: answer.id,
    object: "chat.completion.chunk",
    ...HEAD,
    model: answer.model,
    choices,
    ...(answer.streamsUsage ? { usage } : {}),
  };
  return `data: ${JSON.stringify(body)}\n\n`;
}

function delta(content: JsonObject, finishReason: string | null = null): JsonObject {
  return { delta: content, logprobs: null, finish_reason: finishReason };
}

function eachChoice(choices: number, choice: JsonObject): JsonObject[] {
  return Array.from({ length: choices }, (_, index) => ({ index, ...choice }));
}

/** The prompt's own words, over and over where more are wanted. */
function answerWords(prompt: string, script: Script, wordsMax: number): readonly string[] {
  const said = wordsIn(prompt);
  const source = said.length === 0 ? ["Hello."] : ["You", "said:", ...said];
  const length = Math.min(script.words ?? source.length, wordsMax);
  return Array.from({ length }, (_, index) => source[index % source.length] ?? "");
}

/** A word is a token. */
function usageOf(script: Script, messages: readonly Json[], tokens: number): JsonObject | null {
  if (script.usage === "unreported") return null;
  const counted = messages.reduce<number>(
    (sum, message) => sum + wordsIn(textOf(message)).length,
    0,
  );
  const { promptTokens, completionTokens } =
    script.usage === "counted" ? { promptTokens: counted, completionTokens: tokens } : script.usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

function wordsIn(text: string): readonly string[] {
  return text.match(/\S+/g) ?? [];
}

function roleOf(message: Json): Json | undefined {
  return isObject(message) ? message["role"] : undefined;
}

/** The text of a message, whose content is a string or a list of parts. */
function textOf(message: Json | undefined): string {
  const content = isObject(message) ? message["content"] : undefined;
  const parts = Array.isArray(content) ? content : [{ text: content }];
  return parts
    .map((part: unknown) => (isObject(part) ? part["text"] : undefined))
    .filter((text) => typeof text === "string")
    .join(" ");
}

function numberIn(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  return typeof value === "number" ? value : undefined;
}
