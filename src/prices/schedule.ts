/** Prices that depend on the date or on the time of day. */

import type { ConditionalPrice, ModelPrice } from "@pydantic/genai-prices";

/** The last of them that applies is the one that counts. */
export type Schedule<T> = readonly Dated<T>[];

interface Dated<T> {
  readonly appliesAt: (at: number) => boolean;
  readonly value: T;
}

const DAY_MS = 86_400_000;

export function always<T>(value: T): Schedule<T> {
  return [{ appliesAt: () => true, value }];
}

/** Null if none applies. */
export function valueAt<T>(schedule: Schedule<T>, at: number): T | null {
  return schedule.findLast(({ appliesAt }) => appliesAt(at))?.value ?? null;
}

export function mapSchedule<T, U>(schedule: Schedule<T>, change: (value: T) => U): Schedule<U> {
  return schedule.map(({ appliesAt, value }) => ({ appliesAt, value: change(value) }));
}

/** The same, but only from a time on, in epoch milliseconds. */
export function since<T>(start: number, schedule: Schedule<T>): Schedule<T> {
  return schedule.map(({ appliesAt, value }) => ({
    appliesAt: (at: number) => at >= start && appliesAt(at),
    value,
  }));
}

export function readSchedule(prices: ConditionalPrice[] | ModelPrice): Schedule<ModelPrice> {
  if (!Array.isArray(prices)) return always(prices);
  return prices.map(({ constraint, prices: value }) => ({
    appliesAt: constraint === undefined ? () => true : condition(constraint),
    value,
  }));
}

function condition(
  constraint: NonNullable<ConditionalPrice["constraint"]>,
): (at: number) => boolean {
  if (constraint.type === "start_date") {
    const start = Date.parse(constraint.start_date);
    return (at) => at >= start;
  }
  const start = timeOfDay(constraint.start_time);
  const end = timeOfDay(constraint.end_time);
  // A span such as 22:00 to 06:00 goes past midnight.
  return (at) => {
    const now = sinceMidnight(at);
    return start <= end ? start <= now && now < end : start <= now || now < end;
  };
}

/** `16:30:00Z`, or with an offset from UTC, in milliseconds after midnight UTC. */
function timeOfDay(time: string): number {
  return sinceMidnight(Date.parse(`1970-01-01T${time}`));
}

function sinceMidnight(at: number): number {
  return ((at % DAY_MS) + DAY_MS) % DAY_MS;
}
