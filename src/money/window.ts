/** The window of time that an instant falls in, computed from the period alone: nothing has to run at a boundary. */

import {
  DAY_SECONDS,
  formatDuration,
  HOUR_SECONDS,
  spanOf,
  type Duration,
  type Span,
} from "./duration.ts";

/** Epoch milliseconds; `end` is not part of it. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** What a budget without a period counts in. The end is the last instant that a date can name. */
export const LIFETIME: Window = { start: 0, end: 8_640_000_000_000_000 };

/** Whose midnight counts. */
export interface Place {
  /** IANA name. */
  readonly zone: string;
  /** Local time at which windows of whole days, weeks and months begin: `HH:MM`, `HH:MM:SS` or with a fraction. */
  readonly resetTime: string;
}

/**
 * Windows that begin where the local calendar or clock turns over: the full hour, midnight, Monday, the first of the
 * month, for which `30d` is another name. Lengths that no calendar has are counted from `CALENDAR_ORIGIN`.
 */
export interface CalendarPeriod extends Place {
  readonly alignment: "calendar";
  readonly duration: Duration;
}

/**
 * Days, weeks and months counted from the local date of `anchor`, epoch milliseconds. The 31st is the last day of
 * shorter months and the 31st again after them. Lengths that divide a day have the windows of the calendar.
 */
export interface AnchoredPeriod extends Place {
  readonly alignment: "anchor";
  readonly duration: Duration;
  readonly anchor: number;
}

/** Time that passes, from the very instant of `anchor`: a day is 24 hours, and months are counted in UTC. */
export interface RollingPeriod {
  readonly alignment: "rolling";
  readonly duration: Duration;
  readonly anchor: number;
}

/** Plain JSON, as a budget's row keeps it. */
export type Period = CalendarPeriod | AnchoredPeriod | RollingPeriod;

/** Minutes are the same everywhere. */
export const MINUTE: Period = {
  alignment: "calendar",
  duration: { count: 1, unit: "m" },
  zone: "UTC",
  resetTime: "00:00",
};

/**
 * A Monday that is the first day of a month, a year and a century, so that weeks, months and years begin where people
 * expect them. It is later than 1970 because the rules of zones before that are still being corrected, and a budget's
 * windows must not move with them.
 */
const CALENDAR_ORIGIN = Temporal.PlainDate.from("2001-01-01");

/** Under 1 MB of windows. Where more periods than this are in use, some are computed again each time: 10 µs. */
const CURRENT_WINDOWS_MAX = 4096;

const currentWindows = new Map<string, Window>();

/** Runs on every call, so the last window of each period is remembered until an instant lies outside it. */
export function windowAt(period: Period | null, at: number): Window {
  if (period === null) return LIFETIME;
  const name = nameOf(period);
  const current = currentWindows.get(name);
  if (current !== undefined && current.start <= at && at < current.end) return current;
  const window = computeWindow(period, at);
  remember(name, window);
  return window;
}

/** What a bare duration means: windows of the calendar if it has them, else counted from the day of `createdAt`. */
export function periodOf(duration: Duration, createdAt: number, place: Place): Period {
  const { zone, resetTime } = place;
  return hasCalendar(duration)
    ? { alignment: "calendar", duration, zone, resetTime }
    : anchoredOn(localAt(createdAt, zone).toPlainDate(), duration, place);
}

/** Whether calendars have windows of this length: minutes, hours, days, weeks, months and years do, ten days do not. */
export function hasCalendar(duration: Duration): boolean {
  return isCalendarSpan(calendarSpanOf(duration));
}

export function anchoredOn(
  date: Temporal.PlainDate,
  duration: Duration,
  { zone, resetTime }: Place,
): AnchoredPeriod {
  const anchor = firstInstantOf(date.toPlainDateTime(resetTime), zone);
  return { alignment: "anchor", duration, anchor, zone, resetTime };
}

/** Windows of which one begins at this very instant: of local days if they are whole days, else of time that passes. */
export function periodThrough(instant: number, duration: Duration, zone: string): Period {
  if (!isWholeDays(spanOf(duration))) return { alignment: "rolling", duration, anchor: instant };
  // A time on the full minute is written as operators write it.
  const resetTime = localAt(instant, zone).toPlainTime().toString().replace(/:00$/, "");
  return { alignment: "anchor", duration, anchor: instant, zone, resetTime };
}

/** The day that an anchored period counts from. */
export function anchorDate({ anchor, zone }: AnchoredPeriod): Temporal.PlainDate {
  return localAt(anchor, zone).toPlainDate();
}

export function isSamePeriod(a: Period | null, b: Period | null): boolean {
  return a === null || b === null ? a === b : nameOf(a) === nameOf(b);
}

/** Offsets such as `+02:00` are no zones: they know no summer time. */
export function isZone(name: string): boolean {
  if (!/^[a-z][\w+-]*(\/[\w+-]+)*$/i.test(name)) return false;
  try {
    localAt(0, name);
    return true;
  } catch {
    return false;
  }
}

export function isResetTime(text: string): boolean {
  return /^([01]\d|2[0-3])(:[0-5]\d){1,2}$/.test(text);
}

function nameOf(period: Period): string {
  const length = formatDuration(period.duration);
  switch (period.alignment) {
    case "calendar":
      return `calendar ${length} ${period.zone} ${period.resetTime}`;
    case "anchor":
      return `anchor ${length} ${period.anchor} ${period.zone} ${period.resetTime}`;
    case "rolling":
      return `rolling ${length} ${period.anchor}`;
  }
}

function remember(name: string, window: Window): void {
  currentWindows.delete(name);
  if (currentWindows.size >= CURRENT_WINDOWS_MAX) {
    const [oldest = name] = currentWindows.keys();
    currentWindows.delete(oldest);
  }
  currentWindows.set(name, window);
}

function computeWindow(period: Period, at: number): Window {
  if (period.alignment === "rolling") {
    return tile(elapsing(period.anchor, spanOf(period.duration)), at);
  }
  const { alignment, duration, zone } = period;
  const span = alignment === "calendar" ? calendarSpanOf(duration) : spanOf(duration);
  return isWithinHour(span) ? clockWindow(span, zone, at) : tile(localGrid(period, span), at);
}

function calendarSpanOf(duration: Duration): Span {
  const { count, unit } = duration;
  return count === 30 && unit === "d" ? { unit: "months", count: 1 } : spanOf(duration);
}

function isCalendarSpan(span: Span): boolean {
  if (span.unit === "months") return 12 % span.count === 0;
  return dividesDay(span) || span.count === 7 * DAY_SECONDS;
}

function isWholeDays(span: Span): boolean {
  return span.unit === "months" || span.count % DAY_SECONDS === 0;
}

function isWithinHour(span: Span): boolean {
  return dividesDay(span) && span.count <= HOUR_SECONDS;
}

function dividesDay(span: Span): boolean {
  return span.unit === "seconds" && DAY_SECONDS % span.count === 0;
}

/** Boundaries at `origin` and every span before and after it, as a clock in `zone` shows the time. */
interface Grid {
  readonly origin: Temporal.PlainDateTime;
  readonly span: Span;
  readonly zone: string;
}

function localGrid(period: CalendarPeriod | AnchoredPeriod, span: Span): Grid {
  const { zone, resetTime } = period;
  const day =
    period.alignment === "calendar" ? CALENDAR_ORIGIN : localAt(period.anchor, zone).toPlainDate();
  if (isWholeDays(span)) return { origin: day.toPlainDateTime(resetTime), span, zone };
  const midnight = day.toPlainDateTime();
  return dividesDay(span)
    ? { origin: midnight, span, zone }
    : elapsing(firstInstantOf(midnight, zone), span);
}

/** A clock in UTC is never changed, so what it shows is what has passed. */
function elapsing(start: number, span: Span): Grid {
  return { origin: localAt(start, "UTC").toPlainDateTime(), span, zone: "UTC" };
}

/**
 * Every boundary is computed from the origin, so a month that was cut short does not shorten the next. Boundaries of
 * one instant, around a day that a zone skipped, enclose no window.
 */
function tile(grid: Grid, at: number): Window {
  let index = indexNear(grid, at);
  let start = boundary(grid, index);
  while (start > at) start = boundary(grid, --index);
  let end = boundary(grid, ++index);
  while (end <= at) {
    start = end;
    end = boundary(grid, ++index);
  }
  return { start, end };
}

function indexNear({ origin, span, zone }: Grid, at: number): number {
  const local = localAt(at, zone).toPlainDateTime();
  const passed = origin.until(local, { largestUnit: span.unit })[span.unit];
  return Math.floor(passed / span.count);
}

function boundary({ origin, span, zone }: Grid, index: number): number {
  return firstInstantOf(origin.add({ [span.unit]: index * span.count }), zone);
}

/**
 * The first instant at which a clock in the zone shows this time or a later one. A time that summer time skips thus
 * moves to the moment of the change, one that comes twice counts once, and later times never have earlier instants.
 */
function firstInstantOf(local: Temporal.PlainDateTime, zone: string): number {
  const instant = local.toZonedDateTime(zone, { disambiguation: "earlier" });
  const exists = instant.toPlainDateTime().equals(local);
  const first = exists ? instant : (instant.getTimeZoneTransition("next") ?? instant);
  return first.epochMilliseconds;
}

/**
 * Windows within an hour follow the clock as it runs, twice through an hour that comes twice: by the rule of longer
 * windows, one of a minute would last for 61. A change of the clock ends the window that it falls in.
 */
function clockWindow(span: Span, zone: string, at: number): Window {
  const lengthMs = span.count * 1000;
  const offsetMs = localAt(at, zone).offsetNanoseconds / 1_000_000;
  const start = Math.floor((at + offsetMs) / lengthMs) * lengthMs - offsetMs;
  const end = start + lengthMs;
  const change = localAt(start, zone).getTimeZoneTransition("next")?.epochMilliseconds ?? end;
  if (change >= end) return { start, end };
  return change <= at ? { start: change, end } : { start, end: change };
}

function localAt(at: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
}
