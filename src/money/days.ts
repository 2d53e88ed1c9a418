/** The days of a zone's calendar as stretches of time: they follow each other without a gap, whatever the clocks do. */

import { windowAt, type Period, type Window } from "./window.ts";

/** A day by its date: `2026-11-23`. */
export interface Day extends Window {
  readonly name: string;
}

/** Undefined if the text is not a date of the calendar. */
export function parseDate(text: string): Temporal.PlainDate | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  try {
    return Temporal.PlainDate.from(text, { overflow: "reject" });
  } catch {
    return undefined;
  }
}

/** From the first to the last, both included. A date that the zone skipped has no day. */
export function daysBetween(
  first: Temporal.PlainDate,
  last: Temporal.PlainDate,
  zone: string,
): Day[] {
  const days: Day[] = [];
  let start = first.toZonedDateTime(zone).epochMilliseconds;
  while (Temporal.PlainDate.compare(dateAt(start, zone), last) <= 0) {
    const { end } = windowAt(dayIn(zone), start);
    days.push({ name: dateAt(start, zone).toString(), start, end });
    start = end;
  }
  return days;
}

function dateAt(at: number, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
}

function dayIn(zone: string): Period {
  return { alignment: "calendar", duration: { count: 1, unit: "d" }, zone, resetTime: "00:00" };
}
