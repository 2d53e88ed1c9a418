/** Times as callers write and read them. */

import { ApiError } from "../http/errors.ts";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** A day at midnight UTC, or a time with its zone, in epoch milliseconds. */
export function timeIn(text: string, field: string): number {
  const at = DAY.test(text) || TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  const message = `${field} must be a day or a time, such as 2026-12-01 or 2026-12-01T08:00:00Z.`;
  throw new ApiError("invalid_request", message, { param: field });
}

export function isoTime(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}
