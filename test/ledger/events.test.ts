/** Which events the ledger writes, by example. test/support/table.ts tells how to read the tables. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { EVENT_FIELDS, EVENT_KINDS, type LedgerEvent } from "../../src/ledger/event.ts";
import type { Customer } from "../../src/ledger/book.ts";
import { lifetimeCounter } from "../../src/ledger/limits.ts";
import { Book } from "../support/book.ts";
import * as ledger from "../support/ledger.ts";
import { HOUR_MS, HOURLY, limit, POLICY } from "../support/ledger.ts";
import { play } from "../support/table.ts";

const MINUTE_MS = 60_000;

test("every kind carries fields that exist, each once, and every field is carried by a kind", () => {
  const carried = Object.values(EVENT_KINDS).map(({ carries }): readonly string[] => carries);
  for (const fields of carried) assert.equal(new Set(fields).size, fields.length);
  assert.deepEqual(new Set(carried.flat()), new Set(Object.keys(EVENT_FIELDS)));
});

describe("a charge", () => {
  test("is told, whatever it comes to, and a call that cost nothing is not", () => {
    const { events } = play(`
        reserve h1 acme 60                     → held
        settle  h1 0 at 1                      → posted
        settle  h1 60 at 2                     → posted
        reserve h2 acme 10                     → held
        release h2                             → posted
        reserve h3 - 10                        → held
        settle  h3 10                          → posted
    `);
    assert.deepEqual(charges(events), ["1 evt_h1 acme 0 of null"]);
  });

  test("tells the limit of all models together, and none if there is none", () => {
    const { events } = play(`
      given   budget all usd@m1 50 usd 100
              budget one usd@m1 50
              customer a budget all
              customer b budget one
        adjust  a1 a 5                         → posted
        reserve h1 a 5                         → held
        settle  h1 5                           → posted
        reserve h2 b 5                         → held
        settle  h2 5                           → posted
    `);
    assert.deepEqual(charges(events), [
      "0 evt_a1 a 5 of 100",
      "0 evt_h1 a 5 of 100",
      "0 evt_h2 b 5 of null",
    ]);
  });

  test("that was estimated is told as such, and so is its correction", () => {
    const { events } = play(`
        reserve h1 acme 10 out 20              → held
        expire  h1 at 1                        → posted 10 unsettled
        settle  h1 8 at 2                      → posted -2 adjusted
    `);
    assert.deepEqual(events.map(typeOf), [
      "customer.created",
      "customer.spend_tracked",
      "call.unsettled",
      "customer.spend_tracked",
      "posting.adjusted",
    ]);
    assert.deepEqual(charges(events), [
      "1 evt_h1 acme 10 of null",
      "2 evt_h1:late acme -2 of null",
    ]);
  });

  test("of a model without a price says so, under one id a day", () => {
    const book = new Book();
    const days = [0, 1, 24].map((hours) => hours * HOUR_MS);
    const calls = days.flatMap((at) => [
      ledger.reserve(`h${at}`, { at }),
      ledger.settle(`h${at}`, 0, { at, unpriced: ["input"] }),
    ]);
    book.apply(calls, POLICY);
    assert.deepEqual(idsOf(book.events, "price.missing"), [
      "evt_unpriced_d1_1970-01-01",
      "evt_unpriced_d1_1970-01-01",
      "evt_unpriced_d1_1970-01-02",
    ]);
  });
});

describe("a threshold", () => {
  test("is told by the charge that reaches it, each once, and the limit with it", () => {
    const { events } = play(`
      given   budget b usd 100
              customer acme budget b
        adjust  a1 acme 84                     → posted
        adjust  a2 acme 1                      → posted
        adjust  a3 acme 9                      → posted
        adjust  a4 acme 6                      → posted
        adjust  a5 acme 1                      → posted
    `);
    assert.deepEqual(limits(events), [
      "evt_a2_85_0 budget.threshold_reached 85 of 100",
      "evt_a4_95_0 budget.threshold_reached 100 of 100",
      "evt_a4_crossed_0 budget.crossed 100 of 100",
    ]);
  });

  test("is told once for each limit, also after the spend was taken back", () => {
    const { events } = play(`
      given   budget b usd 100 usd@m1 50 usd 60 last_call
              customer acme budget b
        reserve h1 acme 200                    → held
        settle  h1 100                         → posted
        adjust  a1 acme -50                    → posted
        adjust  a2 acme 50                     → posted
    `);
    const crossed = events.filter(({ type }) => type === "budget.crossed");
    assert.deepEqual(limits(crossed), [
      "evt_h1_crossed_0 budget.crossed 100 of 100",
      "evt_h1_crossed_1 budget.crossed 100 of 50",
      "evt_h1_crossed_2 budget.crossed 100 of 60",
    ]);
  });

  test("is the budget's own where it has some, and none where it has an empty list", () => {
    for (const [thresholds, expected] of [
      [
        [50, 100],
        ["evt_a1_50_0", "evt_a2_100_0"],
      ],
      [[], []],
    ] as const) {
      const book = new Book();
      book.budgets.set("b", { ...ledger.budget("b", [limit("usd", 100)]), thresholds });
      book.customers.set("acme", ledger.customer("acme", { budgetId: "b" }));
      book.apply([ledger.adjust("a1", 90), ledger.adjust("a2", 10)], POLICY);
      assert.deepEqual(idsOf(book.events, "budget.threshold_reached"), expected);
    }
  });

  test("is told again in the next window, and again for a limit that was raised", () => {
    const { events } = play(`
      given   budget b usd/hour 100
              customer acme budget b
        reserve h1 acme 100 at 0               → held
        settle  h1 100 at 0                    → posted
        reserve h2 acme 100 at 60              → held
        settle  h2 100 at 60                   → posted
      given   budget b usd/hour 200
        reserve h3 acme 100 at 61              → held
        settle  h3 100 at 61                   → posted
    `);
    const crossed = events.filter(({ type }) => type === "budget.crossed");
    assert.deepEqual(limits(crossed), [
      "evt_h1_crossed_0 budget.crossed 100 of 100",
      "evt_h2_crossed_0 budget.crossed 100 of 100",
      "evt_h3_crossed_0 budget.crossed 200 of 200",
    ]);
  });

  test("is told again after the customer's window was reset", () => {
    const book = bookWith([limit("usd", 100)]);
    const { keyHash, customer } = ledger.adjust("", 0);
    const counters = [lifetimeCounter(customer)];
    const reset = {
      kind: "reset",
      id: "r1",
      at: 0,
      customer,
      keyHash,
      reason: "",
      counters,
    } as const;
    book.apply([ledger.adjust("a1", 100), reset, ledger.adjust("a2", 100)], POLICY);
    assert.deepEqual(idsOf(book.events, "budget.crossed"), [
      "evt_a1_crossed_0",
      "evt_a2_crossed_0",
    ]);
  });

  test("of a key is told of the key and of no customer", () => {
    const { events } = play(`
      given   budget b usd 100
              key k1 budget b
        reserve h1 acme 100 key k1             → held
        settle  h1 100                         → posted
    `);
    const crossed = events.find((event) => event.type === "budget.crossed");
    assert.equal(crossed?.customer, null);
    assert.equal(crossed?.data.keyHash, "k1");
    assert.equal(crossed?.data.scope, "key");
  });

  test("of a key's soft limit is told with the key's limit that refuses, whatever the customer's is", () => {
    const { events } = play(`
      given   budget own usd 7000
              customer acme budget own
              budget b usd 100 soft:usd 40
              key k1 budget b
        reserve h1 acme 50 key k1              → held 50
        settle  h1 50                          → posted 50
    `);
    const soft = events.find(({ type }) => type === "budget.soft_crossed");
    assert.ok(soft?.type === "budget.soft_crossed");
    assert.deepEqual([soft.data.limit, soft.data.maxBudget], ["40", "100"]);
  });

  test("of a soft limit is told once, with the limit that refuses", () => {
    const book = bookWith([limit("usd", 100), limit("usd", 40, { soft: true })]);
    book.apply([ledger.adjust("a1", 39), ledger.adjust("a2", 1), ledger.adjust("a3", 1)], POLICY);
    const [soft, ...others] = book.events.filter(({ type }) => type === "budget.soft_crossed");
    assert.deepEqual(others, []);
    assert.ok(soft?.type === "budget.soft_crossed");
    assert.deepEqual(
      [soft.id, soft.data.limit, soft.data.maxBudget],
      ["evt_a2_soft_1", "40", "100"],
    );
  });
});

describe("a window", () => {
  test("begins with its first charge, and a limit that never ends has none", () => {
    const { events } = play(`
      given   budget b usd/hour 100 usd 1000
              customer acme budget b
        reserve h1 acme 5 at 0                 → held
        settle  h1 0 at 0                      → posted
        reserve h2 acme 5 at 1                 → held
        settle  h2 5 at 1                      → posted
        reserve h3 acme 5 at 61                → held
        settle  h3 5 at 61                     → posted
    `);
    assert.deepEqual(idsOf(events, "budget.window_started"), [
      "evt_h2_started_0",
      "evt_h3_started_0",
    ]);
  });

  test("that will pass its limit at its own rate says when, once", () => {
    const book = bookWith([limit("usd", 100, { period: HOURLY })]);
    const at = (minutes: number) => ({ at: minutes * MINUTE_MS });
    // Too early to tell; as slow as it must be; too fast; faster still.
    book.apply([ledger.adjust("a1", 9, at(5))], POLICY);
    book.apply([ledger.adjust("a2", 11, at(12))], POLICY);
    book.apply([ledger.adjust("a3", 30, at(15)), ledger.adjust("a4", 20, at(16))], POLICY);
    const projected = book.events.filter(({ type }) => type === "budget.projected_exceeded");
    assert.deepEqual(
      projected.map(({ id }) => id),
      ["evt_a3_projected_0"],
    );
    const [first] = projected;
    assert.ok(first?.type === "budget.projected_exceeded");
    // 50 in 15 minutes are 200 in an hour, and 100 after half of it.
    assert.equal(first.data.projectedSpend, "200");
    assert.equal(first.data.projectedExceededDate, 30 * MINUTE_MS);
  });
});

describe("a refusal", () => {
  test("is told once per limit and window, and changes no total", () => {
    const { events } = play(`
      given   budget b usd/hour 100 requests/hour 2
              customer acme budget b
        reserve h1 acme 101 at 0               → refused budget_exceeded
        reserve h2 acme 102 at 1               → refused budget_exceeded
        reserve h3 acme 1 at 2                 → held
        reserve h4 acme 1 at 2                 → held
        reserve h5 acme 1 at 2                 → refused rate_limited
        reserve h6 acme 1 at 3                 → refused rate_limited
        reserve h7 acme 101 at 60              → refused budget_exceeded
      expect  acme usd/hour used 0 held 2
    `);
    const refused = events.filter(({ type }) => type === "call.refused");
    assert.deepEqual(limits(refused), [
      "evt_h1_refused call.refused 0 of 100",
      "evt_h5_refused call.refused 0 of 2",
      "evt_h7_refused call.refused 0 of 100",
    ]);
  });

  test("by headroom that calls in flight hold, or by their number, is not told", () => {
    const { events } = play(`
      given   budget b usd 100 concurrency 1
              customer acme budget b
        reserve h1 acme 60                     → held
        reserve h2 acme 60                     → refused headroom_held
        reserve h3 acme 1                      → refused rate_limited
    `);
    assert.deepEqual(idsOf(events, "call.refused"), []);
  });

  test("that a closer bound of the input may yet turn is not told", () => {
    const book = bookWith([limit("usd", 100)]);
    const dear = { quote: ledger.quote(101) };
    book.apply([ledger.reserve("h1", { ...dear, closest: false })], POLICY);
    assert.deepEqual(book.events, []);
    book.apply([ledger.reserve("h1", { ...dear, closest: true })], POLICY);
    assert.deepEqual(idsOf(book.events, "call.refused"), ["evt_h1_refused"]);
  });

  test("that a cheaper deployment may yet turn is not told, and the cheapest one's is", () => {
    const book = bookWith([limit("usd", 100)]);
    const dear = { quote: ledger.quote(102) };
    book.apply([ledger.reserve("h1", { ...dear, isTentative: true })], POLICY);
    assert.deepEqual(book.events, []);
    book.apply([ledger.reserve("h1", { quote: ledger.quote(101) })], POLICY);
    assert.deepEqual(idsOf(book.events, "call.refused"), ["evt_h1_refused"]);
  });
});

describe("an account", () => {
  test("that is made, blocked and unblocked is told each time, and what does not change is not", () => {
    const book = new Book();
    book.apply([ledger.createCustomer("w1", { id: "acme" })], POLICY);
    const rewrite = (id: string, revision: string, rest: Partial<Customer>) => {
      const row = ledger.customer("acme", rest);
      book.apply([ledger.write(id, { customers: [{ id: "acme", revision, row }] })], POLICY);
    };
    rewrite("w2", "w1", { blocked: true });
    rewrite("w3", "w2", { blocked: true, alias: "Acme" });
    rewrite("w4", "w3", {});
    assert.deepEqual(
      book.events.map(({ id, type, customer }) => `${id} ${type} ${customer}`),
      [
        "evt_w1_created_0 customer.created acme",
        "evt_w2_blocked_0 customer.blocked acme",
        "evt_w4_unblocked_0 customer.unblocked acme",
      ],
    );
  });
});

function bookWith(all: readonly ReturnType<typeof limit>[]): Book {
  const book = new Book();
  book.budgets.set("b", ledger.budget("b", all));
  book.customers.set("acme", ledger.customer("acme", { budgetId: "b" }));
  return book;
}

function charges(events: readonly LedgerEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "customer.spend_tracked"
      ? `${event.at / MINUTE_MS} ${event.id} ${event.customer} ${event.data.charge} of ${event.data.maxBudget}`
      : [],
  );
}

function limits(events: readonly LedgerEvent[]): string[] {
  return events.flatMap(({ id, type, data }) =>
    "limit" in data ? `${id} ${type} ${data.used} of ${data.limit}` : [],
  );
}

function idsOf(events: readonly LedgerEvent[], wanted: LedgerEvent["type"]): string[] {
  return events.filter(({ type }) => type === wanted).map(({ id }) => id);
}

function typeOf({ type }: LedgerEvent): string {
  return type;
}
