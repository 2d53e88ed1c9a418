/** Lengths of time as operators write them: `30s`, `45m`, `12h`, `7d`, `2w`, `1mo`. */

export type DurationUnit = "s" | "m" | "h" | "d" | "w" | "mo";

/** `count` is a whole number above 0. */
export interface Duration {
  readonly count: number;
  readonly unit: DurationUnit;
}

/** A whole number of one of two things: a month has no fixed number of seconds, every other unit has. */
export interface Span {
  readonly unit: "seconds" | "months";
  readonly count: number;
}

export const HOUR_SECONDS = 3600;
export const DAY_SECONDS = 24 * HOUR_SECONDS;

const UNIT_SECONDS = {
  s: 1,
  m: 60,
  h: HOUR_SECONDS,
  d: DAY_SECONDS,
  w: 7 * DAY_SECONDS,
  mo: 30.4375 * DAY_SECONDS,
} as const satisfies Record<DurationUnit, number>;

/** A century, 1,200 months. Beyond it nobody lives to see the reset, and ends would leave the range of dates. */
export const DURATION_DAYS_MAX = 36_525;

/** Ten digits hold a century of seconds. */
const DURATION = /^(\d{1,10})(mo|[smhdw])$/;

/** The text must be a duration to its last character: `10days` and `0d` are none, nor is more than a century. */
export function parseDuration(text: string): Duration | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const count = Number(match[1]);
  const unit = match[2] as DurationUnit;
  const days = (count * UNIT_SECONDS[unit]) / DAY_SECONDS;
  return count > 0 && days <= DURATION_DAYS_MAX ? { count, unit } : undefined;
}

export function formatDuration({ count, unit }: Duration): string {
  return `${count}${unit}`;
}

export function spanOf({ count, unit }: Duration): Span {
  if (unit === "mo") return { unit: "months", count };
  return { unit: "seconds", count: count * UNIT_SECONDS[unit] };
}
