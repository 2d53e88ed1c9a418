/** OpenAI's chat completions and, in the same shape, its completions of a text. */

import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import {
  askedInTexts,
  askedInTurns,
  CREATED,
  numberIn,
  piecesOf,
  type Answer,
  type Form,
} from "./answer.ts";

const HEAD = { created: CREATED, system_fingerprint: "fp_fake" };

/** What differs between the two. */
interface Kind {
  readonly prefix: string;
  readonly object: string;
  readonly chunkObject: string;
  readonly whole: (text: string) => JsonObject;
  /** An opening has no text. */
  readonly piece: (text: string | null) => JsonObject;
  readonly opens: boolean;
}

const CHAT: Kind = {
  prefix: "chatcmpl-",
  object: "chat.completion",
  chunkObject: "chat.completion.chunk",
  whole: (text) => ({ message: { role: "assistant", content: text, refusal: null } }),
  piece: (text) => ({ delta: text === null ? {} : { content: text } }),
  opens: true,
};

const COMPLETION: Kind = {
  prefix: "cmpl-",
  object: "text_completion",
  chunkObject: "text_completion",
  whole: (text) => ({ text }),
  piece: (text) => ({ text: text ?? "" }),
  opens: false,
};

export const chat: Form = form(CHAT, (body) => askedInTurns(body["messages"]));
export const completion: Form = form(COMPLETION, (body) => askedInTexts(body["prompt"]));

function form(kind: Kind, asked: (body: JsonObject) => ReturnType<Form["read"]>): Form {
  return {
    read(body) {
      const read = asked(body);
      if (read === undefined) return undefined;
      const bound = numberIn(body, "max_completion_tokens") ?? numberIn(body, "max_tokens");
      return { ...read, bound, choices: numberIn(body, "n") };
    },
    whole: (answer) => whole(kind, answer),
    events: (answer) => events(kind, answer),
  };
}

function whole(kind: Kind, answer: Answer): string {
  const { id, model, choices, words } = answer;
  const choice = { ...kind.whole(words.join(" ")), logprobs: null, finish_reason: reason(answer) };
  return JSON.stringify({
    id: kind.prefix + id,
    object: kind.object,
    ...HEAD,
    model,
    choices: eachChoice(choices, choice),
    ...(answer.tokens === null ? {} : { usage: usageOf(answer) }),
  });
}

/** One token each. */
function* events(kind: Kind, answer: Answer): Generator<string> {
  const say = (given: JsonObject, finishReason: string | null = null) =>
    eachChoice(answer.choices, { ...given, logprobs: null, finish_reason: finishReason }).map(
      (choice) => chunk(kind, answer, [choice]),
    );
  if (kind.opens) yield* say({ delta: { role: "assistant", content: "" } });
  for (const piece of piecesOf(answer)) yield* say(kind.piece(piece));
  yield* say(kind.piece(null), reason(answer));
  if (streamsUsage(answer) && answer.tokens !== null) {
    yield chunk(kind, answer, [], usageOf(answer));
  }
  yield "data: [DONE]\n\n";
}

/** As OpenAI does, every other event of a stream with usage says that its usage is null. */
function chunk(kind: Kind, answer: Answer, choices: readonly Json[], usage: Json = null): string {
  const body = {
    id: kind.prefix + answer.id,
    object: kind.chunkObject,
    ...HEAD,
    model: answer.model,
    choices,
    ...(streamsUsage(answer) ? { usage } : {}),
  };
  return `data: ${JSON.stringify(body)}\n\n`;
}

function streamsUsage({ body }: Answer): boolean {
  const options = body["stream_options"];
  return isObject(options) && options["include_usage"] === true;
}

function usageOf({ tokens }: Answer): Json {
  if (tokens === null) return null;
  const { input, output } = tokens;
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

function reason({ isCut }: Answer): string {
  return isCut ? "length" : "stop";
}

function eachChoice(choices: number, choice: JsonObject): JsonObject[] {
  return Array.from({ length: choices }, (_, index) => ({ index, ...choice }));
}
