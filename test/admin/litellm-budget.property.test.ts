/** Budgets as their fields write them: for any sequence of changes, what was sent is what is shown and what holds. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  budgetTable,
  emptyBudget,
  patchedBudget,
  replacing,
  usdLimitOf,
  type BudgetFields,
} from "../../src/admin/litellm-budget.ts";
import { shownLimit } from "../../src/admin/budget-limits.ts";
import { shownPeriod } from "../../src/admin/budget-period.ts";
import { ApiError } from "../../src/http/errors.ts";
import type { Budget } from "../../src/ledger/book.ts";
import type { Unstamped } from "../../src/ledger/command.ts";
import { nanoUsd, parseUsd } from "../../src/money/amount.ts";
import { isSamePeriod } from "../../src/money/window.ts";
import { seeded } from "../support/seed.ts";

const PLACE = { zone: "Europe/Berlin", resetTime: "06:30" };
const NOW = Date.parse("2026-11-23T20:45:00Z");
const DAY_MS = 86_400_000;

/** Present with a value, present as null, or absent. */
const field = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> =>
  fc.oneof(values, fc.constant(null), fc.constant(undefined));

const amounts = fc.constantFrom(0, 0.5, "12.25", 1000);
const counts = fc.integer({ min: 0, max: 1000 });
const durations = fc.constantFrom("1m", "1h", "5h", "1d", "10d", "30d", "1mo", "3mo");

/** Without the fields of placement, which not every duration can have. */
const patches: fc.Arbitrary<BudgetFields> = fc
  .record({
    max_budget: field(amounts),
    soft_budget: field(amounts),
    budget_duration: field(durations),
    tpm_limit: field(counts),
    rpm_limit: field(counts),
    max_parallel_requests: field(counts),
    model_max_budget: field(
      fc.dictionary(fc.constantFrom("m", "n"), fc.constant({ max_budget: 1, tpm_limit: 5 })),
    ),
    enforcement: field(fc.constantFrom("hard" as const, "last_call" as const)),
  })
  .map((fields) => JSON.parse(JSON.stringify(fields)) as BudgetFields);

const sequences = fc.array(patches, { minLength: 1, maxLength: 8 });

/** Some of them contradict themselves, and are refused. */
const placements: fc.Arbitrary<BudgetFields> = fc
  .tuple(
    patches,
    fc.record({
      alignment: field(fc.constantFrom("calendar" as const, "rolling" as const, "anchor" as const)),
      anchor: field(fc.constantFrom("2026-01-31", "2026-02-10T15:43:10.5Z", "2026-03-01T05:30Z")),
      timezone: field(fc.constantFrom("UTC", "Asia/Kathmandu", "America/New_York")),
      budget_reset_at: field(fc.constantFrom("2026-12-15T08:00:00Z", "2026-12-31T00:00:00Z")),
    }),
  )
  .map(([fields, placed]) => JSON.parse(JSON.stringify({ ...fields, ...placed })) as BudgetFields);

const placedSequences = fc.array(placements, { minLength: 1, maxLength: 8 });

test("what is sent is shown, what is null is cleared, and what is absent stays", (t) => {
  const keeps = fc.property(sequences, (sequence) => {
    let budget = emptyBudget(originAt(0), null);
    for (const [index, fields] of sequence.entries()) {
      const before = tableOf(budget);
      budget = patched(fields, budget, index);
      const after = tableOf(budget);
      for (const name of FIELDS) {
        const sent = fields[name];
        const expected = sent === undefined ? before[name] : sent;
        assert.deepEqual(comparable(after[name]), comparable(expected), name);
      }
      assert.equal(usdLimitOf(budget)?.cap, capOf(after["max_budget"]));
    }
  });
  fc.assert(keeps, { ...seeded(t), numRuns: 1000 });
});

test("money limits of all models stand on the budget's own period, whatever it was before", (t) => {
  const moves = fc.property(placedSequences, (sequence) => {
    const budget = afterAll(sequence);
    const money = budget.limits.filter(({ meter, model }) => meter === "usd" && model === null);
    assert.ok(money.every(({ period }) => isSamePeriod(period, budget.period)));
  });
  fc.assert(moves, { ...seeded(t), numRuns: 1000 });
});

test("the same fields a second time change nothing, days later too", (t) => {
  const repeats = fc.property(placedSequences, placements, (sequence, fields) => {
    for (const form of [fields, replacing(fields)]) {
      const once = patched(form, afterAll(sequence), 20);
      assert.equal(patched(form, once, 30), once);
    }
  });
  fc.assert(repeats, { ...seeded(t), numRuns: 1000 });
});

test("what is shown of a budget makes the same budget when it is sent back", (t) => {
  const returns = fc.property(placedSequences, (sequence) => {
    const budget = afterAll(sequence);
    const { duration, ...placed } = shownPeriod(budget.period, PLACE);
    const sent = {
      ...placed,
      budget_duration: duration,
      enforcement: budget.enforcement,
      limits: budget.limits.map((limit) => shownLimit(limit, PLACE)),
    };
    const fields = JSON.parse(JSON.stringify(sent)) as BudgetFields;
    assert.equal(patchedBudget(replacing(fields), budget, originAt(30), null), budget);
    const anew = patchedBudget(fields, emptyBudget(originAt(30), null), originAt(30), null);
    assert.deepEqual(anew?.limits, budget.limits);
    assert.ok(isSamePeriod(anew.period, budget.period));
  });
  fc.assert(returns, { ...seeded(t), numRuns: 1000 });
});

test("where nothing is set there is no budget, and a budget that is cleared is still one", () => {
  assert.equal(patchedBudget({}, null, originAt(0), null), null);
  assert.equal(patchedBudget({ max_budget: null, limits: null }, null, originAt(0), null), null);
  const owner = { scope: "customer", id: "c" } as const;
  const budget = patchedBudget({ max_budget: 1 }, null, originAt(0), owner);
  assert.deepEqual([budget?.id, budget?.owner, budget?.createdAt], ["b", owner, NOW]);
  const cleared = patchedBudget({ max_budget: null }, budget, originAt(1), null);
  assert.deepEqual([cleared?.limits, cleared?.owner, cleared?.createdAt], [[], owner, NOW]);
  assert.equal(cleared?.updatedAt, NOW + DAY_MS);
});

const FIELDS = [
  "max_budget",
  "soft_budget",
  "budget_duration",
  "tpm_limit",
  "rpm_limit",
  "max_parallel_requests",
  "model_max_budget",
] as const;

function originAt(days: number) {
  return { id: "b", at: NOW + days * DAY_MS, place: PLACE };
}

/** What is refused changes nothing. */
function patched(fields: BudgetFields, budget: Unstamped<Budget>, days: number): Unstamped<Budget> {
  try {
    return patchedBudget(fields, budget, originAt(days), null) ?? assert.fail("it is gone");
  } catch (error) {
    if (error instanceof ApiError) return budget;
    throw error;
  }
}

function afterAll(sequence: readonly BudgetFields[]): Unstamped<Budget> {
  return sequence.reduce(
    (budget, fields, index) => patched(fields, budget, index),
    emptyBudget(originAt(0), null),
  );
}

function tableOf(budget: Unstamped<Budget>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(budgetTable(budget, NOW))) as Record<string, unknown>;
}

/** Texts of numbers are numbers, and no models are none. */
function comparable(value: unknown): unknown {
  if (typeof value === "string" && /^[\d.]+$/.test(value)) return Number(value);
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty ? null : value;
}

function capOf(shown: unknown): bigint | undefined {
  return typeof shown === "number" ? nanoUsd(parseUsd(shown) ?? 0n) : undefined;
}
