/** Rows and commands of the ledger with everything filled in that a test does not care about. */

import type {
  Budget,
  CallFacts,
  Customer,
  Enforcement,
  Key,
  Limit,
  Meter,
} from "../../src/ledger/book.ts";
import type {
  Adjust,
  Expire,
  Policy,
  Quote,
  Release,
  Reserve,
  Settle,
  Write,
} from "../../src/ledger/command.ts";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import type { Pricing } from "../../src/money/pricing.ts";
import type { Period } from "../../src/money/window.ts";

export const HOUR_MS = 3_600_000;

export const HOURLY: Period = {
  alignment: "calendar",
  duration: { count: 1, unit: "h" },
  zone: "UTC",
  resetTime: "00:00",
};

export const POLICY: Policy = {
  defaultCustomerBudgetId: null,
  fallbackCustomerBudget: null,
  newCustomers: { allowed: true, perMinuteMax: null },
  unsettledCharge: "input",
};

/** It has no row. */
export const MASTER_KEY: Reserve["key"] = { hash: "master", revision: null };

export function limit(meter: Meter, cap: number | bigint, rest: Partial<Limit> = {}): Limit {
  return { meter, cap: BigInt(cap), model: null, period: null, soft: false, ...rest };
}

export function budget(
  id: string,
  limits: readonly Limit[],
  enforcement: Enforcement = "hard",
): Budget {
  const written = { createdAt: 0, updatedAt: 0, revision: "given" };
  const empty = { period: null, thresholds: null, markup: null, owner: null };
  return { id, limits, enforcement, ...empty, ...written };
}

export function customer(id: string, rest: Partial<Customer> = {}): Customer {
  const empty = { alias: null, blocked: false, budgetId: null };
  const rights = { models: [], allowedRegion: null, defaultModel: null, markup: null };
  return { id, ...empty, ...rights, createdAt: 0, revision: "given", ...rest };
}

export function key(hash: string, rest: Partial<Key> = {}): Key {
  const rights = { role: "inference", rule: { mode: "any" }, models: [] } as const;
  const empty = { alias: null, blocked: false, expiresAt: null, teamId: null, userId: null };
  const budgets = { budgetId: null, customerBudgetId: null };
  const written = { metadata: "{}", createdAt: 0, updatedAt: 0, revision: "r1" };
  const secretHash = `secret of ${hash}`;
  return {
    hash,
    secretHash,
    name: `sk-...${hash}`,
    ...rights,
    ...empty,
    ...budgets,
    ...written,
    ...rest,
  };
}

export function facts(rest: Partial<CallFacts> = {}): CallFacts {
  const route = "/v1/chat/completions";
  return {
    route,
    model: "m1",
    provider: "fake",
    deployment: "d1",
    region: null,
    keyAlias: null,
    ...rest,
  };
}

/** Tokens that cost a nano-dollar each, so that amounts and tokens are the same numbers. */
export function quote(inputTokens: number, outputTokens = 0, rest: Partial<Quote> = {}): Quote {
  const inputPico = BigInt(inputTokens) * 1000n;
  const price = { inputPico, feesPico: 0n, outputRate: picoUsd(1000n) };
  const bounds = { inputTokens, outputTokens, outputTokensMin: outputTokens, choices: 1 };
  return { ...bounds, price, markup: null, ...rest };
}

export function reserve(id: string, rest: Partial<Reserve> = {}): Reserve {
  const call = { instance: "i1", customer: "acme", key: MASTER_KEY, facts: facts() };
  return { kind: "reserve", id, at: 0, ...call, quote: quote(10), closest: true, ...rest };
}

export function settle(id: string, charge: number | bigint, rest: Partial<Settle> = {}): Settle {
  const amount = nanoUsd(BigInt(charge));
  const measured = { usage: {}, source: "provider", rates: null, note: null } as const;
  const priced = { cost: amount, charge: amount, unpriced: [], pricing: PRICING };
  return { kind: "settle", id, at: 0, ...measured, ...priced, ...rest };
}

/** Of a price list's entry, for a call that the provider did not price itself. */
export const PRICING: Pricing = {
  at: 0,
  origin: "list",
  version: "v1",
  serviceTier: null,
  bookCost: nanoUsd(7n),
  statedCost: null,
};

export function release(id: string, at = 0): Release {
  return { kind: "release", id, at, note: "the provider failed" };
}

export function expire(id: string, at = 0): Expire {
  return { kind: "expire", id, at };
}

export function adjust(id: string, amount: number | bigint, rest: Partial<Adjust> = {}): Adjust {
  const by = {
    customer: "acme",
    keyHash: MASTER_KEY.hash,
    reason: "by hand",
    counters: [],
    revision: null,
  };
  return { kind: "adjust", id, at: 0, amount: nanoUsd(BigInt(amount)), ...by, ...rest };
}

/** A write that takes effect only if there is no such customer yet. */
export function createCustomer(
  id: string,
  created: Partial<Customer> & Pick<Customer, "id">,
  ownBudget: Budget | null = null,
): Write {
  const row = customer(created.id, { budgetId: ownBudget?.id ?? null, ...created });
  return write(id, {
    at: row.createdAt,
    customers: [{ id: row.id, revision: null, row }],
    budgets: ownBudget === null ? [] : [{ id: ownBudget.id, revision: null, row: ownBudget }],
  });
}

export function write(id: string, rest: Partial<Write>): Write {
  return { kind: "write", id, at: 0, customers: [], budgets: [], keys: [], ...rest };
}
