/** Which limits are in force for a call, and where each of them stands. */

import type { Markup } from "../money/markup.ts";
import { LIFETIME, MINUTE, windowAt } from "../money/window.ts";
import { counterName, type Budget, type Counter, type CounterKey } from "./book.ts";
import type { Customer, Key, Limit } from "./book.ts";
import type { Check, Policy, Reserve, Standing } from "./command.ts";

/** One limit on one counter, by the budget that set it. */
export interface AppliedLimit {
  readonly counter: CounterKey;
  readonly budgetId: string;
  readonly limit: Limit;
  readonly thresholds: Budget["thresholds"];
  /** One call at a time may go over the edge. */
  readonly lastCall: boolean;
}

/** A call, before or after it was answered. */
export interface Charged {
  readonly customer: string | null;
  readonly keyHash: string;
  readonly facts: { readonly model: string };
  readonly at: number;
}

/** Where to look rows up. */
export interface Accounts {
  customer(id: string): Customer | undefined;
  key(hash: string): Key | undefined;
  budget(id: string): Budget | undefined;
}

type Scope = Pick<CounterKey, "scope" | "scopeId">;

/** The limits of the customer and of the key, in that order, in the windows that hold at the call's time. */
export function limitsFor(call: Charged, accounts: Accounts, policy: Policy): AppliedLimit[] {
  const key = accounts.key(call.keyHash);
  const keyBudget = typeof key?.budgetId === "string" ? accounts.budget(key.budgetId) : undefined;
  const ofKey = limitsOf({ scope: "key", scopeId: call.keyHash }, keyBudget, call);
  if (call.customer === null) return ofKey;
  const customer = accounts.customer(call.customer);
  const budget = customerBudget({ customer, key }, accounts, policy);
  const ofCustomer = limitsOf({ scope: "customer", scopeId: call.customer }, budget, call);
  return [...ofCustomer, ...ofKey, ...(customer === undefined ? newcomerLimits(policy, call) : [])];
}

/**
 * The customer's own, else the one that the key names, else the operator's default, else what the operator grants
 * everybody: a live reference, never a copy. A budget that the key or the operator names need not exist yet.
 */
function customerBudget(
  { customer, key }: { readonly customer: Customer | undefined; readonly key: Key | undefined },
  accounts: Pick<Accounts, "budget">,
  policy: Pick<Policy, "defaultCustomerBudgetId" | "fallbackCustomerBudget">,
): Budget | undefined {
  const ids = [customer?.budgetId, key?.customerBudgetId, policy.defaultCustomerBudgetId];
  for (const id of ids) {
    const budget = typeof id === "string" ? accounts.budget(id) : undefined;
    if (budget !== undefined) return budget;
  }
  return policy.fallbackCustomerBudget ?? undefined;
}

/** The customer's own, else its budget's, else the one that the call comes with. */
export function markupFor(
  call: Charged,
  given: Markup | null,
  accounts: Accounts,
  policy: Policy,
): Markup | null {
  if (call.customer === null) return given;
  const customer = accounts.customer(call.customer);
  const budget = customerBudget({ customer, key: accounts.key(call.keyHash) }, accounts, policy);
  return customer?.markup ?? budget?.markup ?? given;
}

/** Every counter that a call moves, once, however many limits watch it: the limits' and the customer's total. */
export function countersOfCall(
  customer: string | null,
  limits: readonly AppliedLimit[],
): CounterKey[] {
  const total = customer === null ? [] : [lifetimeCounter(customer)];
  return distinct([...total, ...limits.map((limit) => limit.counter)]);
}

export function distinct(counters: readonly CounterKey[]): CounterKey[] {
  return [...new Map(counters.map((counter) => [counterName(counter), counter])).values()];
}

export function chargedBy({ customer, key, facts, at }: Reserve | Check): Charged {
  return { customer, keyHash: key.hash, facts, at };
}

/** The counter of all that a customer was ever charged, or charged since it was reset. */
export function lifetimeCounter(customerId: string): CounterKey {
  return { scope: "customer", scopeId: customerId, meter: "usd", model: "", ...LIFETIME };
}

/** The identity alone, of a move or a row. */
export function counterKeyOf(key: CounterKey): CounterKey {
  const { scope, scopeId, meter, model, start, end } = key;
  return { scope, scopeId, meter, model, start, end };
}

export function standingOf(
  { counter, budgetId, limit }: AppliedLimit,
  row: Pick<Counter, "used" | "held">,
): Standing {
  const isEndless = counter.end === LIFETIME.end;
  return {
    scope: counter.scope,
    scopeId: counter.scopeId,
    budgetId,
    meter: limit.meter,
    model: limit.model,
    cap: limit.cap,
    used: row.used,
    held: row.held,
    windowStart: isEndless ? null : counter.start,
    windowEnd: isEndless ? null : counter.end,
  };
}

/** A limit of a budget, on the counter of the window that holds at this time. */
function appliedLimit(scope: Scope, budget: Budget, limit: Limit, at: number): AppliedLimit {
  const window = windowAt(limit.period, at);
  return {
    counter: { ...scope, meter: limit.meter, model: limit.model ?? "", ...window },
    budgetId: budget.id,
    limit,
    thresholds: budget.thresholds,
    // What an answer will count in tokens is known only afterwards, so tokens always work this way.
    lastCall: limit.meter === "tokens" || budget.enforcement === "last_call",
  };
}

function limitsOf(scope: Scope, budget: Budget | undefined, call: Charged): AppliedLimit[] {
  if (budget === undefined) return [];
  return budget.limits
    .filter((limit) => limit.model === null || limit.model === call.facts.model)
    .map((limit) => appliedLimit(scope, budget, limit, call.at));
}

/** How many customers calls may make in a minute is a limit like any other, on a counter that all of them share. */
function newcomerLimits({ newCustomers }: Policy, { at }: Charged): AppliedLimit[] {
  const { perMinuteMax } = newCustomers;
  if (perMinuteMax === null) return [];
  const scope = { scope: "global", scopeId: "" } as const;
  const common = { meter: "customers", model: null, period: MINUTE, soft: false } as const;
  const limit: Limit = { ...common, cap: BigInt(perMinuteMax) };
  const counter = { ...scope, meter: limit.meter, model: "", ...windowAt(MINUTE, at) };
  return [{ counter, budgetId: "", limit, thresholds: null, lastCall: false }];
}
