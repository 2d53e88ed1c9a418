/** The period of a budget or a limit, from the fields that describe it, and back. */

import { unprocessable } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import { formatDuration, parseDuration, type Duration } from "../money/duration.ts";
import {
  anchorDate,
  anchoredOn,
  hasCalendar,
  isSamePeriod,
  isZone,
  MINUTE,
  periodThrough,
  type AnchoredPeriod,
  type Period,
  type Place,
} from "../money/window.ts";

/** Anchors outside are slips of the pen. */
const YEARS = { first: 1970, last: 2200 };

type Given = string | null | undefined;

/** As a body describes it: undefined leaves what is there, null returns to what is usual. */
export interface WantedPeriod {
  readonly duration: Given;
  readonly alignment: Period["alignment"] | null | undefined;
  /** A date or an instant. */
  readonly anchor: Given;
  readonly timezone: Given;
  /** An instant at which a window shall end and the next begin. */
  readonly resetAt?: Given;
  /** How the body names the duration. */
  readonly field: string;
}

interface Origin {
  readonly at: number;
  readonly place: Place;
}

/** What is not described stays as it is in `current`; a new length counts from now on. */
export function periodFrom(
  wanted: WantedPeriod,
  current: Period | null,
  origin: Origin,
): Period | null {
  const { anchor, resetAt, field } = wanted;
  if (isUnspoken(wanted)) return current;
  const duration = durationFrom(wanted, current);
  if (duration === null) {
    refusePlacement(wanted);
    return null;
  }
  const place = placeFrom(wanted, current, origin.place);
  if (typeof resetAt === "string") {
    if (isGiven(wanted.alignment) || isGiven(anchor)) {
      throw fault("budget_reset_at", "says where windows begin; leave alignment and anchor out");
    }
    return periodThrough(instantFrom("budget_reset_at", resetAt), duration, place.zone);
  }
  const alignment = alignmentFrom(wanted, current, duration);
  if (alignment === "calendar") {
    if (isGiven(anchor)) throw fault("anchor", "a calendar has no anchor; use alignment anchor");
    return isMinute(duration) ? MINUTE : { alignment, duration, ...place };
  }
  if (alignment === "rolling" && isGiven(wanted.timezone)) {
    throw fault("timezone", `time that passes knows no zone; leave it out, or align ${field}`);
  }
  if (typeof anchor === "string") return anchoredAt(anchor, { alignment, duration, place });
  return unanchored({ alignment, duration, place }, current, origin.at);
}

/** The fields that describe a period; what they describe is this period again. */
export function shownPeriod(period: Period | null, place: Place) {
  if (period === null) return { duration: null, alignment: null, anchor: null, timezone: null };
  const { alignment, duration } = period;
  return {
    duration: formatDuration(duration),
    alignment,
    anchor: shownAnchor(period, place),
    timezone: alignment === "rolling" ? null : period.zone,
  };
}

export function iso(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}

/** A value that cannot be read. For those of single models LiteLLM has a type of its own, and one name. */
export function unreadable(field: string, message: string): ApiError {
  return field.startsWith("model_max_budget.")
    ? new ApiError("model_budget_invalid", message, { param: "model_max_budget" })
    : new ApiError("invalid_request", message, { param: field });
}

/** A field that contradicts another or cannot be followed, in FastAPI's form. */
export function fault(field: string, msg: string): ApiError {
  return unprocessable([{ loc: ["body", field], msg, type: "value_error" }]);
}

function durationFrom({ duration, field }: WantedPeriod, current: Period | null): Duration | null {
  if (duration === undefined) return current?.duration ?? null;
  if (duration === null) return null;
  const parsed = parseDuration(duration);
  if (parsed !== undefined) return parsed;
  const message = `Invalid ${field} '${shortened(duration)}'. Use a format like '1h', '24h', '7d', or '30d'.`;
  throw unreadable(field, message);
}

function refusePlacement({ alignment, anchor, timezone, resetAt, field }: WantedPeriod): void {
  const given = { alignment, anchor, timezone, budget_reset_at: resetAt };
  const name = Object.entries(given).find(([, value]) => isGiven(value))?.[0];
  if (name !== undefined) throw fault(name, `means nothing without ${field}`);
}

function isUnspoken({ duration, alignment, anchor, timezone, resetAt }: WantedPeriod): boolean {
  return [duration, alignment, anchor, timezone, resetAt].every((given) => given === undefined);
}

function placeFrom({ timezone }: WantedPeriod, current: Period | null, usual: Place): Place {
  if (typeof timezone === "string" && !isZone(timezone)) {
    const message = `Invalid timezone '${shortened(timezone)}'. Use an IANA name like 'Europe/Berlin'.`;
    throw new ApiError("invalid_request", message, { param: "timezone" });
  }
  if (timezone !== undefined) return { ...usual, zone: timezone ?? usual.zone };
  // Minutes and time that passes are the same everywhere.
  const isNowhere =
    current === null || current.alignment === "rolling" || isSamePeriod(current, MINUTE);
  return isNowhere ? usual : { ...usual, zone: current.zone };
}

/** A period that was given no alignment takes the usual one of its new length; any other keeps its own. */
function alignmentFrom(
  { alignment, anchor }: WantedPeriod,
  current: Period | null,
  duration: Duration,
): Period["alignment"] {
  if (isGiven(alignment)) return alignment;
  if (isGiven(anchor)) return "anchor";
  const wasAsked = current !== null && current.alignment !== usualAlignment(current.duration);
  return alignment === undefined && wasAsked ? current.alignment : usualAlignment(duration);
}

function usualAlignment(duration: Duration): Period["alignment"] {
  return hasCalendar(duration) ? "calendar" : "anchor";
}

interface Aligned {
  readonly alignment: "anchor" | "rolling";
  readonly duration: Duration;
  readonly place: Place;
}

function anchoredAt(anchor: string, { alignment, duration, place }: Aligned): Period {
  const date = dateFrom(anchor);
  if (date !== undefined) {
    return alignment === "anchor"
      ? anchoredOn(date, duration, place)
      : { alignment, duration, anchor: date.toZonedDateTime("UTC").epochMilliseconds };
  }
  const instant = instantFrom("anchor", anchor);
  return alignment === "anchor"
    ? periodThrough(instant, duration, place.zone)
    : { alignment, duration, anchor: instant };
}

/** Counted from where it was, if it was counted like that, else from now. */
function unanchored(aligned: Aligned, current: Period | null, now: number): Period {
  const { alignment, duration, place } = aligned;
  const isSameLength =
    current !== null && formatDuration(current.duration) === formatDuration(duration);
  if (alignment === "rolling") {
    const keeps = current?.alignment === "rolling" && isSameLength;
    return { alignment, duration, anchor: keeps ? current.anchor : now };
  }
  const keeps = current?.alignment === "anchor" && (isSameLength || hasCalendar(current.duration));
  if (!keeps) return anchoredOn(dayOf(now, place.zone), duration, place);
  const through = periodThrough(current.anchor, duration, place.zone);
  // Only days have a time of day to keep.
  const keepsTime = !isUsualTime(current, place) && through.alignment === "anchor";
  return keepsTime ? through : anchoredOn(anchorDate(current), duration, place);
}

function isMinute({ count, unit }: Duration): boolean {
  return count === 1 && unit === "m";
}

function dayOf(at: number, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate();
}

function dateFrom(text: string): Temporal.PlainDate | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  try {
    return inYears(Temporal.PlainDate.from(text));
  } catch {
    return undefined;
  }
}

/** Without an offset the time is that of UTC, as LiteLLM writes it. */
function instantFrom(field: string, text: string): number {
  const zoned = /(z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`;
  try {
    const instant = Temporal.Instant.from(zoned);
    if (inYears(instant.toZonedDateTimeISO("UTC")) !== undefined) return instant.epochMilliseconds;
  } catch {
    // Said below.
  }
  const message = `Invalid ${field} '${shortened(text)}'. Use an instant like '2026-12-31T00:00:00Z'.`;
  throw new ApiError("invalid_request", message, { param: field });
}

function inYears<T extends { readonly year: number }>(date: T): T | undefined {
  return date.year >= YEARS.first && date.year <= YEARS.last ? date : undefined;
}

function shownAnchor(period: Period, place: Place): string | null {
  if (period.alignment === "calendar") return null;
  if (period.alignment === "rolling" || !isUsualTime(period, place)) return iso(period.anchor);
  return anchorDate(period).toString();
}

function isUsualTime(period: AnchoredPeriod, place: Place): boolean {
  return period.resetTime === place.resetTime;
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

function shortened(text: string): string {
  return text.slice(0, 64);
}
