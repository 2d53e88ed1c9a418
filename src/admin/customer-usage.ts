/** Where a customer stands: every limit that is in force for it, and what it spent in the windows before. */

import { ApiError } from "../http/errors.ts";
import { counterName, type Budget, type Counter, type CounterKey } from "../ledger/book.ts";
import type { Key, Limit, Meter } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { lifetimeCounter } from "../ledger/limits.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { LIFETIME, windowAt, type Window } from "../money/window.ts";
import type { Admin } from "./admin.ts";
import { noSuchCustomer } from "./customer-write.ts";

const PAST_WINDOWS = 12;

export interface UsageQuery {
  /** Hash or alias of a key whose budget for its customers may apply. */
  readonly key?: string;
  /** How many of the past. */
  readonly windows?: number;
}

/** Where the budget in force comes from, in the order in which they are asked. */
type Source = "own" | "key" | "default" | "fallback" | "none";

export async function customerUsage(
  id: string,
  { key: keyName, windows = PAST_WINDOWS }: UsageQuery,
  admin: Admin,
): Promise<unknown> {
  const { read } = admin.ledger;
  const now = admin.clock.now();
  const [customer, key] = await Promise.all([read.customer(id), keyNamed(keyName, admin)]);
  if (customer === undefined) throw noSuchCustomer(id, "user_id");
  const { source, budget } = await effectiveBudget(customer.budgetId, key, admin);
  const limits = (budget?.limits ?? []).map((limit) => ({
    limit,
    counter: counterOf(id, limit, now),
  }));
  const wanted = [lifetimeCounter(id), ...limits.map(({ counter }) => counter)];
  const [counters, past] = await Promise.all([
    read.counters(wanted),
    read.pastWindows(id, now, windows),
  ]);
  const rows = new Map(counters.map((row) => [counterName(row), row]));
  return {
    user_id: id,
    total_spend: amountOf("usd", rows.get(counterName(lifetimeCounter(id)))?.used ?? 0n),
    budget: { source, budget_id: budget?.id ?? null },
    limits: limits.map(({ limit, counter }) =>
      limitObject(limit, rows.get(counterName(counter)) ?? { ...counter, used: 0n, held: 0n }, now),
    ),
    past_windows: past.map(pastObject),
  };
}

async function keyNamed(name: string | undefined, { ledger }: Admin): Promise<Key | null> {
  if (name === undefined) return null;
  const key = (await ledger.read.key(name)) ?? (await ledger.read.keyOfAlias(name));
  if (key !== undefined) return key;
  throw new ApiError("not_found", "There is no key of this hash or alias.", { param: "key" });
}

/** As the ledger finds it. What the key or the operator names need not exist. */
async function effectiveBudget(
  ownId: string | null,
  key: Key | null,
  { ledger, policy }: Admin,
): Promise<{ readonly source: Source; readonly budget: Unstamped<Budget> | null }> {
  const named: readonly (readonly [Source, string | null])[] = [
    ["own", ownId],
    ["key", key?.customerBudgetId ?? null],
    ["default", policy.defaultCustomerBudgetId],
  ];
  for (const [source, id] of named) {
    const budget = id === null ? undefined : await ledger.read.budget(id);
    if (budget !== undefined) return { source, budget };
  }
  const budget = policy.fallbackCustomerBudget;
  return { source: budget === null ? "none" : "fallback", budget };
}

function counterOf(id: string, limit: Limit, now: number): CounterKey {
  const { meter, model, period } = limit;
  return { scope: "customer", scopeId: id, meter, model: model ?? "", ...windowAt(period, now) };
}

function limitObject(limit: Limit, row: Omit<Counter, "peak" | "told">, now: number): unknown {
  const { meter, model, cap, soft } = limit;
  const { used, held } = row;
  return {
    meter,
    model,
    soft,
    limit: amountOf(meter, cap),
    used: amountOf(meter, used),
    held: amountOf(meter, held),
    remaining: amountOf(meter, cap - used - held),
    ...windowObject(row),
    resets_in_seconds: row.end === LIFETIME.end ? null : Math.ceil((row.end - now) / 1000),
  };
}

function pastObject(row: Counter): unknown {
  const model = row.model === "" ? null : row.model;
  return { meter: row.meter, model, used: amountOf(row.meter, row.used), ...windowObject(row) };
}

function windowObject({ start, end }: Window) {
  const isEndless = end === LIFETIME.end;
  return {
    window_start: isEndless ? null : iso(start),
    window_end: isEndless ? null : iso(end),
  };
}

/** Dollars, or a plain count. */
function amountOf(meter: Meter, amount: bigint): unknown {
  return meter === "usd" ? jsonUsd(nanoUsd(amount)) : Number(amount);
}

function iso(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}
