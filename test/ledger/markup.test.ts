/** Cost and charge are two numbers: whose markup holds, and what a call is held and charged under it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { nanoUsd, picoUsd } from "../../src/money/amount.ts";
import { chargeOf, costWithin, markedUp, type Markup } from "../../src/money/markup.ts";
import { Book } from "../support/book.ts";
import {
  budget,
  customer,
  expire,
  limit,
  POLICY,
  quote,
  reserve,
  settle,
} from "../support/ledger.ts";
import { seeded } from "../support/seed.ts";

test("a charge is the cost, a fraction of it and a fixed part, rounded up once", () => {
  const cases: readonly (readonly [bigint, Markup | null, bigint])[] = [
    [100n, null, 100n],
    [100n, percent(10n), 110n],
    [101n, percent(10n), 112n],
    [100n, percent(-30n), 70n],
    [100n, percent(-100n), 0n],
    [100n, { ppm: 100_000n, fixed: nanoUsd(5n) }, 115n],
    [0n, { ppm: 100_000n, fixed: nanoUsd(5n) }, 0n],
  ];
  for (const [cost, markup, charge] of cases) assert.equal(chargeOf(nanoUsd(cost), markup), charge);
});

test("of a charge can be told what was taken off the cost and what was put on it", () => {
  assert.deepEqual(told(101n, percent(10n)), [0n, 11n]);
  assert.deepEqual(told(101n, percent(-10n)), [10n, 0n]);
  assert.deepEqual(told(101n, { ppm: -100_000n, fixed: nanoUsd(5n) }), [10n, 5n]);
  assert.deepEqual(told(0n, { ppm: 100_000n, fixed: nanoUsd(5n) }), [0n, 0n]);
  assert.deepEqual(told(101n, null), [0n, 0n]);
});

test("the cost within a charge is the largest that is charged no more than that", (t) => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
  const isLargest = fc.property(
    amount,
    fc.bigInt({ min: -999_999n, max: 5_000_000n }),
    fc.bigInt({ min: 0n, max: 10n ** 6n }),
    (charge, ppm, fixed) => {
      const markup = { ppm, fixed: nanoUsd(fixed) };
      const cost = costWithin(charge, markup);
      if (cost > 0n) assert.ok(chargeOf(nanoUsd(cost), markup) <= charge);
      if (cost >= 0n) assert.ok(chargeOf(nanoUsd(cost + 1n), markup) > charge);
      else assert.ok(fixed > charge);
    },
  );
  fc.assert(isLargest, { ...seeded(t), numRuns: 2000 });
});

test("the customer's own markup holds before its budget's, and that before the provider's", () => {
  const tier = { ...budget("b", [limit("usd", 10_000)]), markup: percent(20n) };
  const held = (own: Markup | null, budgetId: string | null) => {
    const book = new Book();
    book.budgets.set("b", tier);
    book.customers.set("acme", customer("acme", { markup: own, budgetId }));
    book.apply([reserve("h1", { quote: quote(100, 0, { markup: percent(10n) }) })], POLICY);
    return book.holds.get("h1")?.ceiling;
  };
  assert.equal(held(null, null), 110n);
  assert.equal(held(null, "b"), 120n);
  assert.equal(held(percent(50n), "b"), 150n);
  assert.equal(held(percent(0n), "b"), 100n);
});

test("a budget is held to the charge: the answer is clamped to what is left after the markup", () => {
  const book = new Book();
  book.budgets.set("b", budget("b", [limit("usd", 1000)]));
  book.customers.set("acme", customer("acme", { budgetId: "b" }));
  const asked = quote(100, 10_000, { outputTokensMin: 16, markup: percent(100n) });
  const [outcome] = book.apply([reserve("h1", { quote: asked })], POLICY);
  assert.ok(outcome?.kind === "held");
  assert.deepEqual([outcome.hold.outputTokens, outcome.hold.ceiling], [400, 1000n]);
});

test("a posting keeps the markup of its hold, whatever has become of it since", () => {
  const book = new Book();
  book.customers.set("acme", customer("acme", { markup: percent(30n) }));
  book.apply([reserve("h1", { quote: quote(100) })], POLICY);
  book.customers.set("acme", customer("acme", { markup: percent(90n) }));
  book.apply([settle("h1", 130, { cost: nanoUsd(100n) })], POLICY);
  const { cost, charge, markup } = book.postings.get("h1") ?? {};
  assert.deepEqual([cost, charge, markup], [100n, 130n, percent(30n)]);
});

test("an expired hold's cost is what its charge comes from", () => {
  const book = new Book();
  book.customers.set("acme", customer("acme", { markup: { ppm: 250_000n, fixed: nanoUsd(3n) } }));
  book.apply([reserve("h1", { quote: quote(100) }), expire("h1")], POLICY);
  const { cost, charge } = book.postings.get("h1") ?? {};
  assert.deepEqual([cost, charge], [100n, 128n]);
});

test("an expired hold whose markup takes everything off says nothing of its cost", () => {
  const book = new Book();
  book.customers.set("acme", customer("acme", { markup: percent(-100n) }));
  book.apply([reserve("h1", { quote: quote(100) }), expire("h1")], POLICY);
  const { cost, charge } = book.postings.get("h1") ?? {};
  assert.deepEqual([cost, charge], [0n, 0n]);
});

test("an expired hold is charged its input, and not the searches that nobody knows of", () => {
  const book = new Book();
  const price = { inputPico: 9000n, feesPico: 5000n, outputRate: picoUsd(0n) };
  book.apply([reserve("h1", { quote: quote(9, 0, { price }) })], POLICY);
  assert.equal(book.holds.get("h1")?.ceiling, 14n);
  book.apply([expire("h1")], POLICY);
  assert.equal(book.postings.get("h1")?.charge, 9n);
});

test("a call without a customer is marked up as its provider's calls are", () => {
  const book = new Book();
  const given = reserve("h1", { customer: null, quote: quote(100, 0, { markup: percent(10n) }) });
  book.apply([given], POLICY);
  assert.equal(book.holds.get("h1")?.ceiling, 110n);
});

function told(cost: bigint, markup: Markup | null) {
  const { discount, margin } = markedUp(nanoUsd(cost), markup);
  return [discount, margin];
}

function percent(percentage: bigint): Markup {
  return { ppm: percentage * 10_000n, fixed: nanoUsd(0n) };
}
