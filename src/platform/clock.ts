/** Where time, ids and secrets come from; everything else is handed them. */

import { randomBytes, randomUUIDv7 } from "node:crypto";

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Unique, and sorted by time, so that new rows land side by side in an index. */
export function newId(): string {
  return randomUUIDv7();
}

/** Nobody guesses 256 bits. */
const SECRET_BYTES = 32;

/** Of a new key. */
export function newSecret(): string {
  return `sk-${randomBytes(SECRET_BYTES).toString("base64url")}`;
}
