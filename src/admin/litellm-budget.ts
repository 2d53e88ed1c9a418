/** LiteLLM's way to write a budget, to limits and back. Its names stop here. */

import { Type, type Static } from "typebox";
import { unprocessable } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import type { Budget, Limit, Meter, Owner } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { jsonUsd, nanoUsd, parseUsd, type NanoUsd } from "../money/amount.ts";
import { formatDuration, parseDuration } from "../money/duration.ts";
import { MINUTE, periodOf, windowAt, type Period, type Place } from "../money/window.ts";

const Amount = Type.Union([Type.Number(), Type.String(), Type.Null()]);
const Count = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]);

/** The fields of a budget, as they stand in the bodies of several routes. */
export const BUDGET_FIELDS = {
  max_budget: Type.Optional(Amount),
  budget_duration: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tpm_limit: Type.Optional(Count),
  rpm_limit: Type.Optional(Count),
  max_parallel_requests: Type.Optional(Count),
};

const BudgetFields = Type.Object(BUDGET_FIELDS);
export type BudgetFields = Static<typeof BudgetFields>;

export interface BudgetOrigin {
  readonly id: string;
  readonly at: number;
  readonly place: Place;
}

/** The fields' limits, or null if they set none. */
export function budgetOf(
  fields: BudgetFields,
  origin: BudgetOrigin,
  owner: Owner | null,
): Unstamped<Budget> | null {
  const period = periodFrom(fields.budget_duration ?? null, origin);
  const limits = [
    ...usdLimit(fields.max_budget ?? null, period),
    ...countLimit("tokens", fields.tpm_limit, MINUTE),
    ...countLimit("requests", fields.rpm_limit, MINUTE),
    ...countLimit("concurrency", fields.max_parallel_requests, null),
  ];
  if (limits.length === 0) {
    if (period !== null) throw durationAlone();
    return null;
  }
  const { id, at } = origin;
  return { id, period, limits, enforcement: "hard", owner, createdAt: at, updatedAt: at };
}

/** The `litellm_budget_table` of a customer. */
export function budgetTable(budget: Unstamped<Budget>, now: number): unknown {
  const usd = usdLimitOf(budget);
  const period = usd?.period ?? null;
  return {
    budget_id: budget.id,
    soft_budget: null,
    max_budget: usd === undefined ? null : jsonUsd(nanoUsd(usd.cap)),
    max_parallel_requests: countOf(budget, "concurrency"),
    tpm_limit: countOf(budget, "tokens"),
    rpm_limit: countOf(budget, "requests"),
    model_max_budget: null,
    budget_duration: period === null ? null : formatDuration(period.duration),
    allowed_models: [],
    budget_reset_at: period === null ? null : iso(windowAt(period, now).end),
    created_at: iso(budget.createdAt),
  };
}

/** The limit that `max_budget` stands for. */
export function usdLimitOf(budget: Unstamped<Budget>): Limit | undefined {
  return budget.limits.find((limit) => limit.meter === "usd" && limit.model === null);
}

function usdLimit(maxBudget: string | number | null, period: Period | null): Limit[] {
  if (maxBudget === null) return [];
  return [
    { meter: "usd", model: null, cap: amountFrom("max_budget", maxBudget), period, soft: false },
  ];
}

function amountFrom(field: string, value: string | number): NanoUsd {
  const amount = parseUsd(value);
  // What is less than a nano-dollar would be stored as 0 and block the customer.
  const vanishes = amount === 0n && Number(value) !== 0;
  if (amount !== undefined && amount >= 0n && !vanishes) return amount;
  const message = `${field} must be a non-negative finite number. Received: ${String(value).slice(0, 64)}`;
  throw new ApiError("invalid_request", message, { param: field });
}

function countLimit(
  meter: Meter,
  count: number | null | undefined,
  period: Period | null,
): Limit[] {
  if (count === null || count === undefined) return [];
  return [{ meter, model: null, cap: BigInt(count), period, soft: false }];
}

function countOf(budget: Unstamped<Budget>, meter: Meter): number | null {
  const limit = budget.limits.find((candidate) => candidate.meter === meter);
  return limit === undefined ? null : Number(limit.cap);
}

function periodFrom(text: string | null, { at, place }: BudgetOrigin): Period | null {
  if (text === null) return null;
  const duration = parseDuration(text);
  if (duration !== undefined) return periodOf(duration, at, place);
  const message = `Invalid budget_duration '${text.slice(0, 64)}'. Use a format like '1h', '24h', '7d', or '30d'.`;
  throw new ApiError("invalid_request", message, { param: "budget_duration" });
}

function durationAlone(): ApiError {
  const msg = "budget_duration limits nothing by itself; set max_budget too";
  return unprocessable([{ loc: ["body", "budget_duration"], msg, type: "value_error" }]);
}

function iso(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}
