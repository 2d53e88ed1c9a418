/** The limits of a budget as a list of their own: any meter, any window, several at once. */

import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import type { Budget, Limit } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { jsonUsd, nanoUsd, parseUsd } from "../money/amount.ts";
import { formatDuration } from "../money/duration.ts";
import { isSamePeriod, MINUTE, type Period, type Place } from "../money/window.ts";
import { fault, periodFrom, shownPeriod, unreadable } from "./budget-period.ts";

/** Each limit is a row to lock on every call. */
const LIMITS_MAX = 64;

const Nullable = Type.Union([Type.String(), Type.Null()]);

export const Alignment = Type.Union([
  Type.Literal("calendar"),
  Type.Literal("rolling"),
  Type.Literal("anchor"),
]);

const NativeLimit = Type.Object(
  {
    meter: Type.Union([
      Type.Literal("usd"),
      Type.Literal("tokens"),
      Type.Literal("requests"),
      Type.Literal("concurrency"),
    ]),
    max: Type.Union([Type.Number(), Type.String()]),
    model: Type.Optional(Nullable),
    soft: Type.Optional(Type.Boolean()),
    duration: Type.Optional(Nullable),
    alignment: Type.Optional(Type.Union([Alignment, Type.Null()])),
    anchor: Type.Optional(Nullable),
    timezone: Type.Optional(Nullable),
  },
  { additionalProperties: false },
);
type NativeLimit = Static<typeof NativeLimit>;

export const NativeLimits = Type.Array(NativeLimit, { maxItems: LIMITS_MAX });

/** What a limit counts, and when: all of it but the cap. */
export type Slot = Omit<Limit, "cap">;

export const EVERY_MODEL = { model: null, soft: false } as const;
export const TOKENS: Slot = { meter: "tokens", period: MINUTE, ...EVERY_MODEL };
export const REQUESTS: Slot = { meter: "requests", period: MINUTE, ...EVERY_MODEL };

/** Where limits are written to. */
export interface LimitsOrigin {
  readonly at: number;
  readonly place: Place;
  /** The budget's own, which a money limit without a duration has. */
  readonly period: Period | null;
  /** As they stand: where one of them has no anchor of its own, it goes on counting from where it does. */
  readonly current: readonly Limit[];
}

export function limitFrom(native: NativeLimit, name: string, origin: LimitsOrigin): Limit {
  const { meter, max, soft = false, model = null, duration } = native;
  if (meter === "concurrency" && typeof duration === "string") {
    throw fault(`${name}.duration`, "concurrency is not counted in windows");
  }
  if (soft && meter !== "usd") throw fault(`${name}.soft`, "only a limit on usd can be soft");
  if (model !== null) requireModelName(model, `${name}.model`);
  const counted = { meter, model, soft };
  const cap = meter === "usd" ? amountFrom(`${name}.max`, max) : countFrom(`${name}.max`, max);
  const { alignment = null, anchor = null, timezone = null } = native;
  const isPlaced = [alignment, anchor, timezone].some((given) => given !== null);
  // Windows are placed together with their length: of the budget's own this would be forgotten in silence.
  if (duration === undefined && meter === "usd" && !isPlaced) {
    return { ...counted, cap, period: origin.period };
  }
  const placed = { alignment, anchor, timezone, field: `${name}.duration` };
  const current = periodNow({ ...counted, duration: duration ?? null }, origin);
  return {
    ...counted,
    cap,
    period: periodFrom({ duration: duration ?? null, ...placed }, current, origin),
  };
}

/** As `limitFrom` reads it, so that what was shown can be sent back. */
export function shownLimit({ meter, model, cap, soft, period }: Limit, place: Place): unknown {
  const max = meter === "usd" ? jsonUsd(nanoUsd(cap)) : Number(cap);
  return { meter, model, max, soft, ...shownPeriod(period, place) };
}

/** A negative, endless or unreadable amount is refused in LiteLLM's words. */
export function amountFrom(field: string, value: string | number): bigint {
  const amount = parseUsd(value);
  // Of less than a nano-dollar nothing would be left, and the customer would be blocked.
  const vanishes = amount === 0n && Number(value) !== 0;
  if (amount !== undefined && amount >= 0n && !vanishes) return amount;
  const isOutOfReach = vanishes || (Number(value) >= 0 && Number.isFinite(Number(value)));
  const message = isOutOfReach
    ? `${field} must be 0 or from 1e-9 to 4e9. Received: ${asPython(value)}`
    : `${field} must be a non-negative finite number. Received: ${asPython(value)}`;
  throw unreadable(field, message);
}

/** Limits of models are for names that clients ask for: a pattern would match none. */
export function requireModelName(model: string, field: string): void {
  if (model.trim() === "" || model.includes("*")) {
    throw fault(field, "must be the name of one model; wildcards are not counted together");
  }
}

/** Of two limits on the same thing one would be without effect. */
export function requireDistinct(limits: readonly Limit[]): void {
  if (limits.length > LIMITS_MAX) throw fault("limits", `at most ${String(LIMITS_MAX)} limits`);
  const double = limits.findIndex((limit, index) =>
    limits.slice(0, index).some((other) => isSameSlot(limit, other)),
  );
  if (double >= 0) throw fault(`limits.${String(double)}`, "counts what another limit counts too");
}

export function isSameSlot(a: Slot, b: Slot): boolean {
  const isSame = a.meter === b.meter && a.model === b.model && a.soft === b.soft;
  return isSame && isSamePeriod(a.period, b.period);
}

export function limitIn({ limits }: Unstamped<Budget>, slot: Slot): Limit | undefined {
  return limits.find((limit) => isSameSlot(limit, slot));
}

export function countOf(budget: Unstamped<Budget>, slot: Slot): number | null {
  const limit = limitIn(budget, slot);
  return limit === undefined ? null : Number(limit.cap);
}

/** Of the limit that counted the same for as long. */
export function periodNow(
  { meter, model, soft, duration }: Omit<Slot, "period"> & { readonly duration: string | null },
  origin: LimitsOrigin,
): Period | null {
  const found = origin.current.find(
    ({ period, ...limit }) =>
      isSameSlot({ meter, model, soft, period: null }, { ...limit, period: null }) &&
      period !== null &&
      formatDuration(period.duration) === duration,
  );
  return found?.period ?? null;
}

function countFrom(field: string, value: string | number): bigint {
  const text = String(value).trim();
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  const message = `${field} must be a whole number from 0 to 999999999999999. Received: ${text.slice(0, 64)}`;
  throw new ApiError("invalid_request", message, { param: field });
}

/** LiteLLM reads amounts as floats, and says what it has read. */
function asPython(value: string | number): string {
  const text = String(value).slice(0, 64);
  return /^-?\d{1,15}$/.test(text) ? `${text}.0` : text;
}
