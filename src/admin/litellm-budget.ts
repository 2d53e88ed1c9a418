/** LiteLLM's way to write a budget, to limits and back. Its names stop here. */

import { Type, type Static } from "typebox";
import type { Budget, Limit, Owner } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { formatDuration } from "../money/duration.ts";
import { isSamePeriod, windowAt, type Period, type Place } from "../money/window.ts";
import {
  Alignment,
  amountFrom,
  countOf,
  EVERY_MODEL,
  isSameSlot,
  limitFrom,
  limitIn,
  NativeLimits,
  REQUESTS,
  requireDistinct,
  TOKENS,
  type LimitsOrigin,
  type Slot,
} from "./budget-limits.ts";
import { fault, iso, periodFrom, type WantedPeriod } from "./budget-period.ts";
import {
  Amount,
  Count,
  modelBudgets,
  ModelBudgets,
  Text,
  withModelBudgets,
} from "./model-budgets.ts";

/** Whole percent; an empty list tells nothing before the budget is crossed. */
const Percent = Type.Integer({ minimum: 1, maximum: 100 });
const Thresholds = Type.Union([
  Type.Array(Percent, { maxItems: 10, uniqueItems: true }),
  Type.Null(),
]);

/** The fields of a budget, as they stand in the bodies of several routes. */
export const BUDGET_FIELDS = {
  max_budget: Type.Optional(Amount),
  soft_budget: Type.Optional(Amount),
  budget_duration: Type.Optional(Text),
  budget_reset_at: Type.Optional(Text),
  tpm_limit: Type.Optional(Count),
  rpm_limit: Type.Optional(Count),
  max_parallel_requests: Type.Optional(Count),
  model_max_budget: Type.Optional(Type.Union([ModelBudgets, Type.Null()])),
  limits: Type.Optional(Type.Union([NativeLimits, Type.Null()])),
  alignment: Type.Optional(Type.Union([Alignment, Type.Null()])),
  anchor: Type.Optional(Text),
  timezone: Type.Optional(Text),
  enforcement: Type.Optional(
    Type.Union([Type.Literal("hard"), Type.Literal("last_call"), Type.Null()]),
  ),
  alert_thresholds: Type.Optional(Thresholds),
};

const BudgetFields = Type.Object(BUDGET_FIELDS);
export type BudgetFields = Static<typeof BudgetFields>;

export interface BudgetOrigin {
  readonly id: string;
  readonly at: number;
  readonly place: Place;
}

/**
 * The budget with the fields that are present applied to it: null clears, 0 is a value. The very `current` where they
 * change nothing; null where there was no budget and they set none. Throws `ApiError` for what cannot be followed.
 */
export function patchedBudget(
  fields: BudgetFields,
  current: Unstamped<Budget> | null,
  origin: BudgetOrigin,
  owner: Owner | null,
): Unstamped<Budget> | null {
  if (current === null && !setsAnything(fields)) return null;
  const before = current ?? emptyBudget(origin, owner);
  const period = periodFrom(wantedPeriod(fields), before.period, origin);
  const limits = limitsFrom(fields, before, { ...origin, period, current: before.limits });
  requireDistinct(limits);
  const enforcement =
    fields.enforcement === undefined ? before.enforcement : (fields.enforcement ?? "hard");
  const { alert_thresholds: thresholds = before.thresholds } = fields;
  const after = { ...before, period, limits, thresholds, enforcement, updatedAt: origin.at };
  return current !== null && isSame(after, current) ? current : after;
}

/** The fields of a budget that has nothing but these. */
export function replacing(fields: BudgetFields): BudgetFields {
  return {
    max_budget: null,
    soft_budget: null,
    budget_duration: null,
    budget_reset_at: null,
    tpm_limit: null,
    rpm_limit: null,
    max_parallel_requests: null,
    model_max_budget: null,
    limits: null,
    alignment: null,
    anchor: null,
    timezone: null,
    enforcement: null,
    alert_thresholds: null,
    ...fields,
  };
}

/** LiteLLM's `litellm_budget_table`. */
export function budgetTable(budget: Unstamped<Budget>, now: number) {
  const { id, period, createdAt } = budget;
  return {
    budget_id: id,
    soft_budget: usdOf(budget, softUsd(period)),
    max_budget: usdOf(budget, hardUsd(period)),
    max_parallel_requests: countOf(budget, CONCURRENCY),
    tpm_limit: countOf(budget, TOKENS),
    rpm_limit: countOf(budget, REQUESTS),
    model_max_budget: modelBudgets(budget),
    budget_duration: period === null ? null : formatDuration(period.duration),
    allowed_models: [],
    budget_reset_at: period === null ? null : iso(windowAt(period, now).end),
    created_at: iso(createdAt),
  };
}

/** The limit that `max_budget` stands for. */
export function usdLimitOf(budget: Unstamped<Budget>): Limit | undefined {
  return limitIn(budget, hardUsd(budget.period));
}

/** LiteLLM counts the calls that are in flight. */
const CONCURRENCY: Slot = { meter: "concurrency", period: null, ...EVERY_MODEL };

function hardUsd(period: Period | null): Slot {
  return { meter: "usd", model: null, period, soft: false };
}

function softUsd(period: Period | null): Slot {
  return { ...hardUsd(period), soft: true };
}

/** LiteLLM's fields that write one limit each. */
const LIMIT_FIELDS = [
  "max_budget",
  "soft_budget",
  "tpm_limit",
  "rpm_limit",
  "max_parallel_requests",
] as const;

function setsAnything(fields: BudgetFields): boolean {
  const given: Readonly<Record<string, unknown>> = fields;
  return Object.keys(BUDGET_FIELDS).some((name) => (given[name] ?? null) !== null);
}

/** Sets nothing. */
export function emptyBudget({ id, at }: BudgetOrigin, owner: Owner | null): Unstamped<Budget> {
  const written = { createdAt: at, updatedAt: at };
  const none = { period: null, limits: [], thresholds: null, markup: null } as const;
  return { id, ...none, enforcement: "hard", owner, ...written };
}

function wantedPeriod(fields: BudgetFields): WantedPeriod {
  const { budget_duration, budget_reset_at, alignment, anchor, timezone } = fields;
  const placed = { alignment, anchor, timezone, resetAt: budget_reset_at };
  return { duration: budget_duration, ...placed, field: "budget_duration" };
}

function limitsFrom(
  fields: BudgetFields,
  before: Unstamped<Budget>,
  origin: LimitsOrigin,
): readonly Limit[] {
  if (fields.limits !== null && fields.limits !== undefined) {
    refuseBoth(fields);
    return fields.limits.map((native, index) =>
      limitFrom(native, `limits.${String(index)}`, origin),
    );
  }
  const { period } = origin;
  // Limits on money that stood on the budget's own period move along with it.
  const moved = before.limits.map((limit) =>
    isOfBudget(limit, before.period) ? { ...limit, period } : limit,
  );
  const kept = fields.limits === null ? [] : moved;
  const written = LIMIT_FIELDS.reduce(
    (limits, name) => applied(limits, fields, name, period),
    kept,
  );
  const { model_max_budget: models } = fields;
  return models === undefined ? written : withModelBudgets(written, models ?? {}, origin);
}

function refuseBoth(fields: BudgetFields): void {
  const other = [...LIMIT_FIELDS, "model_max_budget" as const].find(
    (name) => (fields[name] ?? null) !== null,
  );
  if (other !== undefined) throw fault(other, "limits is the whole list; write it there");
}

function isOfBudget(limit: Limit, period: Period | null): boolean {
  return limit.meter === "usd" && limit.model === null && isSamePeriod(limit.period, period);
}

function applied(
  limits: Limit[],
  fields: BudgetFields,
  name: (typeof LIMIT_FIELDS)[number],
  period: Period | null,
): Limit[] {
  const value = fields[name];
  if (value === undefined) return limits;
  const slot = slotOf(name, period);
  const index = limits.findIndex((limit) => isSameSlot(limit, slot));
  if (value === null) return limits.filter((limit) => !isSameSlot(limit, slot));
  const cap = slot.meter === "usd" ? amountFrom(name, value) : BigInt(value);
  return index < 0 ? [...limits, { ...slot, cap }] : limits.with(index, { ...slot, cap });
}

function slotOf(name: (typeof LIMIT_FIELDS)[number], period: Period | null): Slot {
  switch (name) {
    case "max_budget":
      return hardUsd(period);
    case "soft_budget":
      return softUsd(period);
    case "tpm_limit":
      return TOKENS;
    case "rpm_limit":
      return REQUESTS;
    case "max_parallel_requests":
      return CONCURRENCY;
  }
}

function isSame(a: Unstamped<Budget>, b: Unstamped<Budget>): boolean {
  return (
    a.enforcement === b.enforcement &&
    String(a.thresholds) === String(b.thresholds) &&
    isSamePeriod(a.period, b.period) &&
    a.limits.length === b.limits.length &&
    a.limits.every((limit, index) => isSameLimit(limit, b.limits[index]))
  );
}

function isSameLimit(a: Limit, b: Limit | undefined): boolean {
  return b !== undefined && a.cap === b.cap && isSameSlot(a, b);
}

function usdOf(budget: Unstamped<Budget>, slot: Slot): unknown {
  const limit = limitIn(budget, slot);
  return limit === undefined ? null : jsonUsd(nanoUsd(limit.cap));
}
