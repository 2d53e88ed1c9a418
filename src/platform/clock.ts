/** Where time and ids come from; everything else is handed them. */

import { randomUUIDv7 } from "node:crypto";

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Unique, and sorted by time, so that new rows land side by side in an index. */
export function newId(): string {
  return randomUUIDv7();
}
