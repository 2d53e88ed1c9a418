/** The stretch of time that a report is about, from the dates of its query. */

import { Type, type Static } from "typebox";
import { ApiError, type ErrorDetails } from "../http/errors.ts";
import type { Span } from "../ledger/spend.ts";
import { daysBetween, parseDate } from "../money/days.ts";
import { isZone, type Window } from "../money/window.ts";

/** Three years: longer reports are asked for in pieces. */
const DAYS_MAX = 1_096;

/** What LiteLLM shows where nobody names dates. */
const RECENT_MS = 30 * 86_400_000;

export const PERIOD_FIELDS = {
  start_date: Type.Optional(Type.String({ description: "First day, `YYYY-MM-DD`." })),
  end_date: Type.Optional(Type.String({ description: "Last day, all of it included." })),
  timezone: Type.Optional(
    Type.String({ description: "IANA zone whose days are meant; UTC without it." }),
  ),
};

const PeriodFields = Type.Object(PERIOD_FIELDS);
type PeriodFields = Static<typeof PeriodFields>;

/** The days of the period; throws without both dates, in the envelope that the route's errors have. */
export function daysOf(fields: PeriodFields, details: ErrorDetails = {}): readonly Span[] {
  const { start_date: first, end_date: last, timezone: zone = "UTC" } = fields;
  if (first === undefined || last === undefined) {
    throw new ApiError("invalid_request", "Please provide start_date and end_date", details);
  }
  const [from, to] = [dateFrom("start_date", first, details), dateFrom("end_date", last, details)];
  if (!isZone(zone)) throw fault("timezone", zone, "an IANA zone such as Europe/Berlin", details);
  const length = from.until(to, { largestUnit: "days" }).days + 1;
  if (length > DAYS_MAX) {
    const message = `A report is of ${String(DAYS_MAX)} days at most, not ${String(length)}`;
    throw new ApiError("invalid_request", message, details);
  }
  return daysBetween(from, to, zone);
}

/** The same as one stretch; undefined without dates. */
export function windowOf(fields: PeriodFields): Window | undefined {
  if (fields.start_date === undefined && fields.end_date === undefined) return undefined;
  const days = daysOf(fields);
  return { start: days[0]?.start ?? 0, end: days.at(-1)?.end ?? 0 };
}

export function recentWindow(now: number): Window {
  return { start: now - RECENT_MS, end: now + 1 };
}

/** A date, or a date and a time of day in UTC; as an end it includes the whole of the day or second that it names. */
export function instantFrom(name: string, text: string, edge: "start" | "end"): number {
  const date = parseDate(text);
  if (date !== undefined) {
    const day = edge === "start" ? date : date.add({ days: 1 });
    return day.toZonedDateTime("UTC").epochMilliseconds;
  }
  const [, day = "", time = "", fraction = "", zone = ""] = INSTANT.exec(text) ?? [];
  try {
    const { epochMilliseconds } = Temporal.Instant.from(`${day}T${time}${fraction}${zone || "Z"}`);
    if (edge === "start") return epochMilliseconds;
    return epochMilliseconds + (fraction === "" ? 1000 : 1);
  } catch {
    throw fault(name, text, "a time such as 2026-11-23 14:30:00", {});
  }
}

const INSTANT = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/;

function dateFrom(name: string, text: string, details: ErrorDetails): Temporal.PlainDate {
  const date = parseDate(text);
  if (date === undefined) throw fault(name, text, "a date such as 2026-11-23", details);
  return date;
}

function fault(name: string, text: string, wanted: string, details: ErrorDetails): ApiError {
  const message = `${name} must be ${wanted}. Received: ${text.slice(0, 64)}`;
  return new ApiError("invalid_request", message, { param: name, ...details });
}
