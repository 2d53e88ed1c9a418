/** Reads single fields of a body, or refuses them by name. */

import { ApiError } from "../../http/errors.ts";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";

/** Larger than any model's context, small enough that a ceiling stays an exact integer. */
export const OUTPUT_TOKENS_MAX = 100_000_000;

/** Providers answer with at most 128 choices; more would only multiply the ceiling. */
const CHOICES_MAX = 128;

function optional<T extends Json>(
  body: JsonObject,
  field: string,
  is: (value: Json) => value is T,
  what: string,
): T | undefined {
  const value = body[field];
  if (!isSet(value)) return undefined;
  if (!is(value)) throw invalid(`${field} must be ${what}.`, field);
  return value;
}

/** Fields that are absent or null are the same thing. */
export function isSet(value: Json | undefined): value is Exclude<Json, null> {
  return value !== undefined && value !== null;
}

export function streamIn(body: JsonObject): boolean {
  return optional(body, "stream", isBoolean, "a boolean") ?? false;
}

export function tokensIn(body: JsonObject, field: string): number | undefined {
  return optional(body, field, isWithin(OUTPUT_TOKENS_MAX), "a whole number of at least 1");
}

export function choicesIn(body: JsonObject, field: string): number {
  return optional(body, field, isWithin(CHOICES_MAX), `1 to ${String(CHOICES_MAX)}`) ?? 1;
}

/** The turns of a conversation: a list of objects that is not empty. */
export function requireTurns(body: JsonObject, field: string): void {
  const turns = body[field];
  if (!Array.isArray(turns) || turns.length === 0) {
    throw invalid(`${field} must be a non-empty array.`, field);
  }
  if (!turns.every(isObject)) throw invalid(`Each of ${field} must be an object.`, field);
}

/** Text, or a list of anything. */
export function requireInput(body: JsonObject, field: string): void {
  const input = body[field];
  const isGiven = typeof input === "string" || (Array.isArray(input) && input.length > 0);
  if (!isGiven) throw invalid(`${field} must be text or a non-empty array.`, field);
}

/** The object in this field; an absent one is empty. */
export function objectIn(body: JsonObject, field: string): JsonObject {
  return optional(body, field, isObject, "an object") ?? {};
}

export function invalid(message: string, param: string | null = null): ApiError {
  return new ApiError("invalid_request", message, { param });
}

function isBoolean(value: Json): value is boolean {
  return typeof value === "boolean";
}

function isWithin(max: number) {
  return (value: Json): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= max;
}
