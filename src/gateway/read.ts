/** From bytes to a Call, or a clear refusal. */

import type { IncomingMessage } from "node:http";
import { ApiError } from "../http/errors.ts";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";

/** Providers answer with at most 128 choices; more would only multiply the ceiling. */
const CHOICES_MAX = 128;

/** Larger than any model's context, small enough that a ceiling stays an exact integer. */
export const OUTPUT_TOKENS_MAX = 100_000_000;

/** Ten times what a deep tool schema needs; without a bound, writing the body out again would overflow the stack. */
const NESTING_MAX = 200;

const EMPTY = Buffer.alloc(0);

/** What the body says, once it has been checked. */
export interface ChatBody {
  readonly model: string;
  readonly stream: boolean;
  readonly wantsUsage: boolean;
  readonly outputTokensMax: number | null;
  readonly choices: number;
  readonly body: JsonObject;
}

/** The whole body, or `body_too_large` as soon as that is known; the rest is then not read. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bytesMax) return Promise.reject(tooLarge(bytesMax));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.pause();
        reject(tooLarge(bytesMax));
      } else chunks.push(chunk);
    });
    request.on("end", () => {
      const [only = EMPTY] = chunks;
      resolve(chunks.length > 1 ? Buffer.concat(chunks) : only);
    });
    request.on("error", () => reject(invalid("The request body was cut off.")));
    request.on("close", () => {
      if (!request.readableEnded) reject(invalid("The request body was cut off."));
    });
  });
}

export function readChat(bytes: Buffer, pathModel: string | undefined): ChatBody {
  return chatOf(parse(bytes), pathModel);
}

/** `pathModel` is the model that Azure's path names; it stands for the body's. */
export function chatOf(body: JsonObject, pathModel: string | undefined): ChatBody {
  if (!isWithinDepth(body, NESTING_MAX)) {
    throw invalid(`The body is nested more than ${String(NESTING_MAX)} levels deep.`);
  }
  const model = pathModel ?? body["model"];
  if (typeof model !== "string" || model === "") {
    throw invalid("model must be a non-empty string.", "model");
  }
  checkMessages(body["messages"]);
  return {
    model,
    stream: optional(body, "stream", isBoolean, "a boolean") ?? false,
    wantsUsage: wantsUsage(body["stream_options"]),
    outputTokensMax: outputTokensMax(body),
    choices: optional(body, "n", isWithin(CHOICES_MAX), `1 to ${String(CHOICES_MAX)}`) ?? 1,
    body,
  };
}

function parse(bytes: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw invalid("The body is not valid JSON.");
  }
  if (!isObject(value)) throw invalid("The body must be a JSON object.");
  return value;
}

function isWithinDepth(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((child) => isWithinDepth(child, levels - 1));
}

function checkMessages(messages: Json | undefined): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid("messages must be a non-empty array.", "messages");
  }
  if (!messages.every(isObject)) throw invalid("Each message must be an object.", "messages");
}

function wantsUsage(options: Json | undefined): boolean {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw invalid("stream_options must be an object.", "stream_options");
  return options["include_usage"] === true;
}

function outputTokensMax(body: JsonObject): number | null {
  const what = "a whole number of at least 1";
  const bounds = ["max_completion_tokens", "max_tokens"].flatMap((field) => {
    const bound = optional(body, field, isWithin(OUTPUT_TOKENS_MAX), what);
    return bound === undefined ? [] : [bound];
  });
  // Which of the two a provider obeys is its own affair, so a ceiling must lean on the larger.
  return bounds.length === 0 ? null : Math.max(...bounds);
}

function optional<T extends Json>(
  body: JsonObject,
  field: string,
  is: (value: Json) => value is T,
  what: string,
): T | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (!is(value)) throw invalid(`${field} must be ${what}.`, field);
  return value;
}

function isBoolean(value: Json): value is boolean {
  return typeof value === "boolean";
}

function isWithin(max: number) {
  return (value: Json): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= max;
}

function invalid(message: string, param: string | null = null): ApiError {
  return new ApiError("invalid_request", message, { param });
}

function tooLarge(bytesMax: number): ApiError {
  return new ApiError("body_too_large", `The body is over ${String(bytesMax)} bytes.`, {
    headers: { connection: "close" },
  });
}
