/** The rules of the ledger by example. Amounts are nano-dollars; test/support/table.ts tells how to read the tables. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decide } from "../../src/ledger/decide.ts";
import { lifetimeCounter } from "../../src/ledger/limits.ts";
import type { Rows } from "../../src/ledger/rows.ts";
import { nanoUsd } from "../../src/money/amount.ts";
import { Book } from "../support/book.ts";
import {
  adjust,
  budget,
  createCustomer,
  customer,
  expire,
  facts,
  HOUR_MS,
  HOURLY,
  limit,
  POLICY,
  PRICING,
  quote,
  release,
  reserve,
  settle,
} from "../support/ledger.ts";
import { play } from "../support/table.ts";

describe("a call", () => {
  test("is held at its ceiling and posted at its charge, once however often it is settled", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 acme 60                     → held 60 out 0 left 40
        reserve h2 acme 41                     → refused headroom_held customer acme usd left 40
        settle  h1 45                          → posted 45 settled left 55
        settle  h1 45                          → posted 45 settled left 55
        settle  h1 50                          → posted 45 settled left 55
        release h1                             → posted 45 settled left 55
        expire  h1                             → posted 45 settled left 55
        reserve h1 acme 60                     → posted 45 settled left 55
        reserve h2 acme 41                     → held 41 out 0 left 14
      expect  acme usd used 45 held 41
      expect  holds h2
      expect  postings h1
    `);
  });

  test("reserved twice is held once, whatever has changed in between", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
              key k1
        reserve h1 acme 60 key k1              → held 60
        reserve h1 acme 60 key k1              → held 60 out 0 left 40
      given   key k1 version 2 blocked
              customer acme budget b blocked
        reserve h1 acme 60 key k1              → held 60 out 0 left 40
        reserve h2 acme 1                      → refused customer_blocked
      expect  acme usd used 0 held 60
    `);
  });

  test("that cost nothing gives its headroom back once and still counts as a request", () => {
    play(`
      given   budget b usd 100 requests 5
              customer acme budget b
        reserve h1 acme 60                     → held 60
        release h1                             → posted 0 released left 100
        release h1                             → posted 0 released left 100
        settle  h1 45                          → posted 0 released left 100
        expire  h1                             → posted 0 released left 100
      expect  acme usd used 0 held 0
      expect  acme requests used 1 held 0
      expect  holds
    `);
  });

  test("that never was cannot end", () => {
    play(`
        settle  h1 45                          → refused unknown_hold
        release h1                             → refused unknown_hold
        expire  h1                             → refused unknown_hold
        reserve h1 acme 60                     → held 60
        settle  h1 45                          → posted 45
      expect  acme usd used 45 held 0
    `);
  });

  test("that cost more than its ceiling is posted in full", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 acme 60                     → held 60
        settle  h1 130                         → posted 130 settled left -30
        reserve h2 acme 1                      → refused budget_exceeded customer acme usd left -30
      expect  acme usd used 130 held 0
    `);
  });

  test("without a customer is counted for its key alone", () => {
    play(`
      given   budget b usd 100
              default b
              key k1 budget b
        reserve h1 - 60 key k1                 → held 60 out 0 left any
        reserve h2 - 41 key k1                 → refused headroom_held key k1 usd left 40
        settle  h1 45                          → posted 45 settled left any
      expect  key k1 usd used 45 held 0
      expect  customers
      expect  events
    `);
  });

  test("of a customer without a budget is counted and never refused", () => {
    play(`
        reserve h1 acme 1000000                → held 1000000 out 0 left any
        settle  h1 999999                      → posted 999999 settled left any
      expect  acme usd used 999999 held 0
      expect  customers acme
    `);
  });

  test("is counted in the window that it was admitted in", () => {
    play(`
      given   budget b usd/hour 100
              customer acme budget b
        reserve h1 acme 60 at 59               → held 60 out 0 left 40
        reserve h2 acme 100 at 60              → held 100 out 0 left 0
        settle  h1 45 at 61                    → posted 45 settled left 55
        reserve h3 acme 1 at 119               → refused headroom_held
        reserve h4 acme 100 at 120             → held 100
      expect  acme usd/hour at 59 used 45 held 0
      expect  acme usd/hour at 60 used 0 held 100
      expect  acme usd/hour at 120 used 0 held 100
      expect  acme usd used 45 held 200
    `);
  });
});

describe("a money limit", () => {
  test("admits up to the last nano-dollar and not one more", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 acme 101                    → refused budget_exceeded customer acme usd left 100
        reserve h2 acme 100                    → held 100 out 0 left 0
        reserve h3 acme 1                      → refused headroom_held customer acme usd left 0
        settle  h2 99                          → posted 99 settled left 1
        reserve h4 acme 2                      → refused budget_exceeded customer acme usd left 1
        reserve h5 acme 1                      → held 1
        settle  h5 1                           → posted 1 settled left 0
        reserve h6 acme 1                      → refused budget_exceeded customer acme usd left 0
      expect  acme usd used 100 held 0
    `);
  });

  test("of zero refuses everything that costs anything", () => {
    play(`
      given   budget b usd 0
              customer acme budget b
        reserve h1 acme 1                      → refused budget_exceeded customer acme usd left 0
        reserve h2 acme 0 out 1                → refused budget_exceeded
        reserve h3 acme 50 out 50 free         → held 0 out 50 left 0
      expect  customers acme
      expect  holds h3
    `);
  });

  test("says that its headroom is held only if it could pay for the call with nothing in flight", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        adjust  a1 acme 30                     → posted 30
        reserve h1 acme 50                     → held 50
        reserve h2 acme 71                     → refused budget_exceeded customer acme usd left 20
        reserve h3 acme 70                     → refused headroom_held customer acme usd left 20
        reserve h4 acme 40 out 40 min 30       → refused headroom_held customer acme usd left 20
        reserve h5 acme 40 out 40 min 31       → refused budget_exceeded customer acme usd left 20
        release h1                             → posted 0
        reserve h3 acme 70                     → held 70
    `);
  });

  test("lets a call through that costs nothing, even when it is overspent", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 acme 100                    → held 100
        reserve h2 acme 70 out 50 min 50 free  → held 0 out 50 left 0
        settle  h1 120                         → posted 120 settled left -20
        reserve h3 acme 70 out 50 min 50 free  → held 0 out 50 left -20
        settle  h3 0                           → posted 0 settled left -20
        reserve h4 acme 1                      → refused budget_exceeded
    `);
  });

  test("refuses a model without a price, which is counted where no money limit applies", () => {
    play(`
      given   budget money usd 100
              budget other usd@m2 100
              budget count requests 1
              customer a budget money
              customer b budget other
              customer c budget count
              key k1 budget money
        reserve h1 a 10 unpriced               → refused unpriced_model
        reserve h2 b 10 unpriced               → held 0 out 0 left any
        reserve h3 b 10 unpriced model m2      → refused unpriced_model
        reserve h4 c 10 unpriced out 9         → held 0 out 9 left any
        reserve h5 d 10 unpriced key k1        → refused unpriced_model
        reserve h6 d 10 unpriced               → held 0 out 0 left any
        settle  h6 0 in 10                     → posted 0 settled
      expect  d usd used 0 held 0
    `);
  });

  test("of one model counts that model alone", () => {
    play(`
      given   budget b usd 100 usd@m1 30
              customer acme budget b
        reserve h1 acme 31                     → refused budget_exceeded customer acme usd left 30
        reserve h2 acme 30                     → held 30 out 0 left 0
        reserve h3 acme 71 model m2            → refused headroom_held customer acme usd left 70
        reserve h4 acme 70 model m2            → held 70 out 0 left 0
        settle  h4 70                          → posted 70 settled left 0
      expect  acme usd used 70 held 30
      expect  acme usd@m1 used 0 held 30
      expect  acme usd@m2 used 0 held 0
    `);
  });
});

describe("the length of an answer", () => {
  test("is clamped to what a hard limit can pay for, down to the useful minimum", () => {
    play(`
      given   budget b usd 100
              customer a budget b
              customer b budget b
              customer c budget b
              customer d budget b
        reserve h1 a 20 out 79 min 10          → held 99 out 79 left 1
        reserve h2 b 20 out 80 min 10          → held 100 out 80 left 0
        reserve h3 c 20 out 81 min 10          → held 100 out 80 left 0
        reserve h4 d 89 out 81 min 10          → held 100 out 11 left 0
        release h4                             → posted 0
        reserve h5 d 90 out 81 min 10          → held 100 out 10 left 0
        release h5                             → posted 0
        reserve h6 d 91 out 81 min 10          → refused budget_exceeded customer d usd left 100
        reserve h7 d 101 out 81 min 0          → refused budget_exceeded
    `);
  });

  test("is clamped for all of its choices, each rounded to whole tokens and the sum up to a nano-dollar", () => {
    play(`
      given   budget b usd 100
              customer a budget b
              customer b budget b
        reserve h1 a 40 out 50 min 10 choices 3           → held 100 out 20 left 0
        reserve h2 b 41 out 50 min 10 choices 3           → held 98 out 19 left 2
        reserve h3 b 0 out 50 min 1 choices 3 rate 333    → held 2 out 2 left 0
    `);
  });

  test("is clamped by the limit that has the least left, of whatever scope", () => {
    play(`
      given   budget b usd 100 usd@m1 50
              budget k usd 30
              customer acme budget b
              key k1 budget k
        reserve h1 acme 10 out 90 min 5 key k1 → held 30 out 20 left 20
        release h1                             → posted 0
        reserve h2 acme 10 out 90 min 5        → held 50 out 40 left 0
        release h2                             → posted 0
        reserve h3 acme 10 out 95 min 5 model m2 → held 100 out 90 left 0
    `);
  });

  test("is as asked for if output is free or nothing is limited", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 acme 100 out 5000 min 1 rate 0 → held 100 out 5000 left 0
        reserve h2 other 100 out 5000 min 1       → held 5100 out 5000 left any
    `);
  });

  test("must reach the provider where a hard money limit leans on it, and only there", () => {
    const { holds } = play(`
      given   budget hard usd 100
              budget soft usd 100 last_call
              budget count tokens 100
              customer hard budget hard
              customer soft budget soft
              customer count budget count
        reserve h1 hard 10 out 10              → held
        reserve h2 hard 10 out 10 rate 0       → held
        reserve h3 soft 10 out 10              → held
        reserve h4 count 10 out 10             → held
        reserve h5 none 10 out 10              → held
        reserve h6 none 10 out 10 unpriced     → held
    `);
    const bounded = [...holds.values()].filter((hold) => hold.bounded);
    const unpriced = [...holds.values()].filter((hold) => !hold.priced);
    assert.deepEqual(
      bounded.map((hold) => hold.id),
      ["h1"],
    );
    assert.deepEqual(
      unpriced.map((hold) => hold.id),
      ["h6"],
    );
  });
});

describe("a budget that enforces the last call", () => {
  test("admits one call at a time over the edge, at its full length", () => {
    play(`
      given   budget b usd 100 last_call
              customer acme budget b
        reserve h1 acme 50 out 51 min 1        → held 101 out 51 left -1
        reserve h2 acme 1                      → refused headroom_held customer acme usd left -1
        settle  h1 99                          → posted 99 settled left 1
        reserve h3 acme 500                    → held 500 out 0 left -499
        settle  h3 1                           → posted 1 settled left 0
        reserve h4 acme 1                      → refused budget_exceeded customer acme usd left 0
        reserve h5 acme 10 free                → held 0
      expect  acme usd used 100 held 0
    `);
  });

  test("admits any number of calls that fit", () => {
    play(`
      given   budget b usd 100 last_call
              customer acme budget b
        reserve h1 acme 50                     → held 50
        reserve h2 acme 50                     → held 50 out 0 left 0
        reserve h3 acme 1                      → refused headroom_held
        release h1                             → posted 0
        reserve h4 acme 51                     → refused headroom_held customer acme usd left 50
        reserve h5 acme 50                     → held 50
    `);
  });

  test("of zero refuses every call that costs anything", () => {
    play(`
      given   budget b usd 0 last_call
              customer acme budget b
        reserve h1 acme 1                      → refused budget_exceeded
    `);
  });

  test("is spent, not held, when only an answer of no length at all would still fit", () => {
    play(`
      given   budget b usd 100 last_call
              customer acme budget b
        adjust  a1 acme 100                    → posted 100
        reserve h1 acme 0 out 5 min 0          → refused budget_exceeded customer acme usd left 0
    `);
  });

  test("does not loosen the hard limit of another scope", () => {
    play(`
      given   budget soft usd 100 last_call
              budget hard usd 60
              customer acme budget soft
              key k1 budget hard
        adjust  a1 acme 90                     → posted 90
        reserve h1 acme 20 out 50 min 5 key k1 → held 60 out 40 left -50
        reserve h2 acme 20 key k1              → refused headroom_held customer acme usd left -50
        settle  h1 60                          → posted 60
        reserve h3 other 1 key k1              → refused budget_exceeded key k1 usd left 0
    `);
  });

  test("is not asked to pay for a length that a hard limit forbids", () => {
    play(`
      given   budget soft usd 100 last_call
              budget hard usd 60
              customer acme budget soft
              key k1 budget hard
        reserve h1 acme 50 key k1              → held 50 out 0 left 50
        reserve h2 acme 20 out 50 min 5 key k1 → refused headroom_held key k1 usd left 10
    `);
  });
});

describe("a limit on counts", () => {
  test("of requests holds one per call in flight and keeps one per call that ended", () => {
    play(`
      given   budget b requests/hour 2
              customer acme budget b
        reserve h1 acme 10 at 1                → held 10 out 0 left any
        reserve h2 acme 10 at 1                → held
        reserve h3 acme 10 at 1                → refused rate_limited customer acme requests left 0
        settle  h1 5 at 2                      → posted 5
        release h2 at 2                        → posted 0
        reserve h3 acme 10 at 59               → refused rate_limited customer acme requests left 0
        reserve h3 acme 10 at 60               → held
      expect  acme requests/hour at 1 used 2 held 0
      expect  acme requests/hour at 60 used 0 held 1
    `);
  });

  test("of concurrency holds one per call in flight and keeps none", () => {
    play(`
      given   budget b concurrency 2
              customer acme budget b
        reserve h1 acme 10                     → held
        reserve h2 acme 10                     → held
        reserve h3 acme 10                     → refused rate_limited customer acme concurrency left 0
        settle  h1 5                           → posted 5
        reserve h3 acme 10                     → held
        release h2                             → posted 0
        expire  h3                             → posted 10 unsettled
      expect  acme concurrency used 0 held 0
    `);
  });

  test("of tokens lets one call over the edge, because an answer's tokens are known only afterwards", () => {
    play(`
      given   budget b tokens/hour 100
              customer acme budget b
        reserve h1 acme 10 out 40 choices 2    → held
        reserve h2 acme 10 out 1               → refused rate_limited customer acme tokens left 10
        reserve h3 acme 9 out 1                → held
        settle  h1 5 in 10 out 20              → posted 5
        settle  h3 5 in 9 out 1                → posted 5
      expect  acme tokens/hour used 40 held 0
        reserve h4 acme 100 out 100            → held
        reserve h5 acme 1                      → refused rate_limited customer acme tokens left -140
        settle  h4 5 in 59 out 1               → posted 5
      expect  acme tokens/hour used 100 held 0
        reserve h6 acme 1                      → refused rate_limited customer acme tokens left 0
        reserve h6 acme 1 at 60                → held
    `);
  });

  test("of zero refuses every call", () => {
    play(`
      given   budget r requests 0
              budget t tokens 0
              budget c concurrency 0 last_call
              customer r budget r
              customer t budget t
              customer c budget c
        reserve h1 r 10                        → refused rate_limited customer r requests left 0
        reserve h2 t 10                        → refused rate_limited customer t tokens left 0
        reserve h3 c 10                        → refused rate_limited customer c concurrency left 0
    `);
  });

  test("does not change how long an answer may be", () => {
    play(`
      given   budget b usd 100 tokens 50
              customer acme budget b
        reserve h1 acme 10 out 80 min 1        → held 90 out 80 left 10
      expect  acme tokens used 0 held 90
    `);
  });
});

describe("the limits of a call", () => {
  test("of customer and key move together or not at all", () => {
    play(`
      given   budget c usd 100 requests 9
              budget k usd 50 concurrency 1
              customer acme budget c
              key k1 budget k
        reserve h1 acme 51 key k1              → refused budget_exceeded key k1 usd left 50
      expect  acme usd used 0 held 0
      expect  acme requests used 0 held 0
      expect  key k1 usd used 0 held 0
      expect  key k1 concurrency used 0 held 0
        reserve h2 acme 40 key k1              → held 40 out 0 left 60
        reserve h3 acme 10 key k1              → refused rate_limited key k1 concurrency left 0
      expect  acme usd used 0 held 40
      expect  acme requests used 0 held 1
      expect  key k1 usd used 0 held 40
      expect  key k1 concurrency used 0 held 1
        settle  h2 35                          → posted 35 settled left 65
      expect  acme usd used 35 held 0
      expect  acme requests used 1 held 0
      expect  key k1 usd used 35 held 0
      expect  key k1 concurrency used 0 held 0
    `);
  });

  test("share a counter if they count the same, which then moves once", () => {
    play(`
      given   budget b usd 100 usd 70 usd/hour 50 usd/hour 60
              customer acme budget b
        reserve h1 acme 50                     → held 50 out 0 left 0
        settle  h1 45                          → posted 45 settled left 5
        reserve h2 acme 26 at 60               → refused budget_exceeded customer acme usd left 25
        reserve h3 acme 25 at 60               → held 25 out 0 left 0
      expect  acme usd used 45 held 25
      expect  acme usd/hour used 45 held 0
      expect  acme usd/hour at 60 used 0 held 25
    `);
  });

  test("of a customer are those of its own budget, else of the one that the key names, else of the default", () => {
    play(`
      given   budget own usd 10
              budget named usd 20
              budget default usd 30
              customer own budget own
              customer none
              key names customers named
              key silent
        reserve h1 none 99                     → held 99 out 0 left any
        reserve h2 none 99 key names           → refused budget_exceeded
        release h1                             → posted 0
      given   default default
        reserve h3 own 11 key names            → refused budget_exceeded customer own usd left 10
        reserve h4 none 21 key names           → refused budget_exceeded customer none usd left 20
        reserve h5 none 31 key silent          → refused budget_exceeded customer none usd left 30
        reserve h6 none 31                     → refused budget_exceeded customer none usd left 30
        reserve h7 never_seen 31               → refused budget_exceeded customer never_seen usd left 30
        reserve h8 never_seen 21 key names     → refused budget_exceeded customer never_seen usd left 20
        reserve h9 never_seen 20 key names     → held 20 out 0 left 0
      expect  customers own none never_seen
    `);
  });

  test("begin as soon as a budget that was named before it existed exists", () => {
    play(`
      given   default later
        reserve h1 acme 60                     → held 60 out 0 left any
        settle  h1 60                          → posted 60 settled left any
      given   budget later usd 100
        reserve h2 acme 41                     → refused budget_exceeded customer acme usd left 40
        reserve h2 acme 40                     → held 40 out 0 left 0
    `);
  });

  test("change for the very next call when the budget does, and count what was spent before", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 acme 90                     → held 90
        settle  h1 90                          → posted 90
        reserve h2 acme 11                     → refused budget_exceeded
      given   budget b usd 120
        reserve h2 acme 11                     → held 11 out 0 left 19
      given   budget b usd 80
        reserve h3 acme 1                      → refused budget_exceeded customer acme usd left -21
        settle  h2 11                          → posted 11 settled left -21
      given   customer acme
        reserve h4 acme 999                    → held 999 out 0 left any
    `);
  });
});

describe("a refusal", () => {
  test("is the first that applies, in a fixed order", () => {
    play(`
      given   budget b usd 100 concurrency 0
              budget k usd 50
              customer acme blocked budget b
              key k1 version 2 blocked expires 5 budget k
        reserve h1 acme 999 unpriced key k1 version 1 at 9   → refused stale_key
        reserve h1 acme 999 unpriced key k2 at 9             → refused stale_key
        reserve h1 acme 999 unpriced key k1 version 2 at 9   → refused key_blocked
      given   key k1 version 2 expires 5 budget k
        reserve h1 acme 999 unpriced key k1 version 2 at 9   → refused key_expired
        reserve h1 acme 999 unpriced key k1 version 2 at 5   → refused key_expired
        reserve h1 acme 999 unpriced key k1 version 2 at 4   → refused customer_blocked
      given   customer acme budget b
        reserve h1 acme 999 unpriced key k1 version 2        → refused unpriced_model
        reserve h1 acme 999 key k1 version 2                 → refused budget_exceeded customer acme
        reserve h1 acme 99 key k1 version 2                  → refused budget_exceeded key k1
        reserve h1 acme 9 key k1 version 2                   → refused rate_limited customer acme
      given   budget b usd 100
        reserve h1 acme 9 key k1 version 2                   → held 9
    `);
  });

  test("writes nothing, so asking again is a new question", () => {
    play(`
      given   budget b usd 100
              default b
              key k1 blocked
        reserve h1 acme 101                    → refused budget_exceeded
        reserve h2 acme 50 key k1              → refused key_blocked
        settle  h1 50                          → refused unknown_hold
        adjust  a1 acme 50                     → refused unknown_customer
      expect  customers
      expect  holds
      expect  postings
      expect  events call.refused:0
        reserve h1 acme 100                    → held 100
        adjust  a1 acme 50                     → posted 50
    `);
  });

  test("shows where the limit stands and when its window ends, if it does", () => {
    const limits = [limit("usd", 100, { period: HOURLY }), limit("requests", 1)];
    const book = new Book();
    book.budgets.set("b", budget("b", limits));
    book.customers.set("acme", customer("acme", { budgetId: "b" }));
    const calls = [reserve("h1"), reserve("h2", { quote: quote(91) }), reserve("h3")];
    const standings = book.apply(calls, POLICY).map((outcome) => {
      if (outcome.kind === "held") return outcome.standing;
      return outcome.kind === "refused" && "standing" in outcome.refusal
        ? outcome.refusal.standing
        : undefined;
    });
    const shared = { scope: "customer", scopeId: "acme", budgetId: "b", model: null, used: 0n };
    const money = {
      ...shared,
      meter: "usd",
      cap: 100n,
      held: 10n,
      windowStart: 0,
      windowEnd: HOUR_MS,
    };
    const count = {
      ...shared,
      meter: "requests",
      cap: 1n,
      held: 1n,
      windowStart: null,
      windowEnd: null,
    };
    assert.deepEqual(standings, [money, money, count]);
  });

  test("never comes of the master key itself", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        reserve h1 - 1000                      → held 1000
        reserve h2 acme 1000                   → refused budget_exceeded customer acme
    `);
  });
});

describe("a hold whose instance died", () => {
  test("is charged what its input can have cost, nothing, or its whole ceiling", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
              unsettled input
        reserve h1 acme 10 out 20              → held 30
        expire  h1                             → posted 10 unsettled left 90
        expire  h1                             → posted 10 unsettled left 90
        release h1                             → posted 10 unsettled left 90
        reserve h1 acme 10 out 20              → posted 10 unsettled left 90
      given   unsettled waive
        expire  h1                             → posted 10 unsettled left 90
        reserve h2 acme 10 out 20              → held 30
        expire  h2                             → posted 0 unsettled left 90
      given   unsettled ceiling
        reserve h3 acme 10 out 20              → held 30
        expire  h3                             → posted 30 unsettled left 60
      expect  acme usd used 40 held 0
      expect  holds
    `);
  });

  test("is corrected to the true charge by a settle that comes late, once", () => {
    play(`
      given   budget b usd 100 requests 9 tokens 99 concurrency 3 usd@m1 90
              customer acme budget b
              unsettled input
        reserve h1 acme 10 out 20              → held
        expire  h1 at 1                        → posted 10 unsettled left 80
        settle  h1 25 in 9 out 16 at 2         → posted 15 adjusted left 65
        settle  h1 25 in 9 out 16 at 3         → posted 15 adjusted left 65
        expire  h1 at 4                        → posted 10 unsettled left 65
      expect  acme usd used 25 held 0
      expect  acme usd@m1 used 25 held 0
      expect  acme tokens used 25 held 0
      expect  acme requests used 1 held 0
      expect  acme concurrency used 0 held 0
      expect  postings h1 h1:late
      given   unsettled waive
        reserve h2 acme 10 out 20              → held
        expire  h2                             → posted 0 unsettled
        settle  h2 25                          → posted 25 adjusted
      given   unsettled ceiling
        reserve h3 acme 10 out 20              → held
        expire  h3                             → posted 30 unsettled
        settle  h3 25                          → posted -5 adjusted
      expect  acme usd used 75 held 0
    `);
  });

  test("is corrected in the window that it was admitted in", () => {
    play(`
      given   budget b usd/hour 100
              customer acme budget b
        reserve h1 acme 10 out 20 at 59        → held 30
        expire  h1 at 61                       → posted 10 unsettled
        settle  h1 25 at 125                   → posted 15 adjusted
      expect  acme usd/hour at 59 used 25 held 0
      expect  acme usd/hour at 61 used 0 held 0
      expect  acme usd/hour at 125 used 0 held 0
    `);
  });
});

describe("an adjustment", () => {
  test("adds to what was charged or takes from it, once", () => {
    play(`
      given   budget b usd 100 requests 5 usd/hour 80 usd@m1 50
              customer acme budget b
        adjust  a1 acme 70                     → posted 70 adjusted left 10
        adjust  a1 acme 70                     → posted 70 adjusted left 10
        reserve h1 acme 11                     → refused budget_exceeded
        adjust  a2 acme -80                    → posted -80 adjusted left 90
        reserve h1 acme 50                     → held 50
        adjust  a3 acme 0                      → posted 0 adjusted left 40
      expect  acme usd used -10 held 50
      expect  acme usd/hour used -10 held 50
      expect  acme usd@m1 used 0 held 50
      expect  acme requests used 0 held 1
      expect  postings a1 a2 a3
    `);
  });

  test("counts for the key that it names", () => {
    play(`
      given   budget b usd 100
              customer acme
              key k1 budget b
        adjust  a1 acme 70 key k1              → posted 70 adjusted left any
        reserve h1 - 31 key k1                 → refused budget_exceeded key k1 usd left 30
      expect  key k1 usd used 70 held 0
    `);
  });

  test("needs a customer, who may be blocked", () => {
    play(`
      given   customer acme blocked
        adjust  a1 nobody 5                    → refused unknown_customer
        adjust  a2 acme 5                      → posted 5
      expect  customers acme
    `);
  });
});

describe("a customer", () => {
  test("is created once, and only the command that did it is answered so again", () => {
    play(`
        create  c1 acme own usd 100            → written
        create  c1 acme own usd 100            → written
        create  c2 acme own usd 500            → refused changed
        reserve h1 acme 101                    → refused budget_exceeded customer acme usd left 100
        create  c1 acme own usd 100            → written
      expect  customers acme
    `);
  });

  test("is created by its first call that is held, and by none that is refused", () => {
    play(`
      given   budget b usd 100
              default b
        reserve h1 acme 101                    → refused budget_exceeded
      expect  customers
        reserve h2 acme 100                    → held 100
      expect  customers acme
        create  c1 acme                        → refused changed
    `);
  });

  test("may be created blocked, or with a budget that exists", () => {
    play(`
      given   budget b usd 100
        create  c1 acme budget b               → written
        create  c2 evil blocked                → written
        reserve h1 acme 101                    → refused budget_exceeded
        reserve h2 evil 1                      → refused customer_blocked
        create  c3 late budget to_come         → refused unknown_budget
      expect  customers acme evil
    `);
  });

  test("that was created is stored as given, budget and all", () => {
    const { customers, budgets } = play(`
        create  c1 acme own usd 100 last_call  → written
    `);
    const row = customer("acme", { budgetId: "own_c1", revision: "c1" });
    assert.deepEqual(customers.get("acme"), row);
    const own = budget("own_c1", [limit("usd", 100)], "last_call");
    assert.deepEqual([...budgets.values()], [{ ...own, revision: "c1" }]);
  });
});

describe("a posting", () => {
  const measured = {
    usage: { input: 4, output: 3 },
    source: "provider",
    rates: null,
    note: "partial",
  } as const;
  const UNPRICED = { markup: null, pricing: null, unpriced: [], corrects: null } as const;
  const PRICED = { ...UNPRICED, pricing: PRICING };
  const call = { customer: "acme", keyHash: "master", facts: facts() };
  const usd = lifetimeCounter("acme");

  test("says all that is known of an answered call", () => {
    const book = new Book();
    book.apply([reserve("h1"), settle("h1", 7, { ...measured, at: 5, cost: nanoUsd(6n) })], POLICY);
    assert.deepEqual(book.postings.get("h1"), {
      id: "h1",
      kind: "settled",
      at: 5,
      ...call,
      ...measured,
      ...PRICED,
      cost: 6n,
      charge: 7n,
      moves: [{ ...usd, amount: 7n }],
    });
  });

  test("of a released call has nothing but the reason", () => {
    const book = new Book();
    book.apply([reserve("h1"), release("h1", 5)], POLICY);
    assert.deepEqual(book.postings.get("h1"), {
      id: "h1",
      kind: "released",
      at: 5,
      ...call,
      usage: {},
      source: "none",
      cost: 0n,
      charge: 0n,
      rates: null,
      ...UNPRICED,
      note: "the provider failed",
      moves: [],
    });
  });

  test("of an unsettled call is an estimate that a late settle corrects to the truth", () => {
    const book = new Book();
    book.apply([reserve("h1"), expire("h1", 5)], { ...POLICY, unsettledCharge: "waive" });
    assert.deepEqual(book.postings.get("h1"), {
      id: "h1",
      kind: "unsettled",
      at: 5,
      ...call,
      usage: {},
      source: "estimated",
      cost: 0n,
      charge: 0n,
      rates: null,
      ...UNPRICED,
      moves: [{ ...usd, amount: 0n }],
      note: "the instance died before the call was settled",
    });
    book.apply([settle("h1", 7, { ...measured, at: 9, cost: nanoUsd(6n) })], POLICY);
    assert.deepEqual(book.postings.get("h1:late"), {
      id: "h1:late",
      kind: "adjusted",
      at: 9,
      ...call,
      ...measured,
      ...PRICED,
      corrects: "h1",
      cost: 6n,
      charge: 7n,
      moves: [{ ...usd, amount: 7n }],
      note: "answered after its hold had been expired",
    });
  });

  test("corrects the estimated cost too, and moves nothing where the estimate was right", () => {
    const book = new Book();
    book.apply([reserve("h1"), expire("h1"), settle("h1", 10, { cost: nanoUsd(9n) })], POLICY);
    const late = book.postings.get("h1:late");
    assert.deepEqual([late?.cost, late?.charge, late?.moves], [-1n, 0n, []]);
  });

  test("of an adjustment belongs to no call", () => {
    const book = new Book();
    book.customers.set("acme", customer("acme"));
    book.apply([adjust("a1", -3, { at: 5, keyHash: "k1" }), adjust("a2", 0)], POLICY);
    const noCall = {
      route: "",
      model: "",
      provider: "",
      deployment: "",
      region: null,
      keyAlias: null,
    };
    assert.deepEqual(book.postings.get("a1"), {
      id: "a1",
      kind: "adjusted",
      at: 5,
      ...call,
      keyHash: "k1",
      facts: noCall,
      usage: {},
      source: "none",
      cost: 0n,
      charge: -3n,
      rates: null,
      ...UNPRICED,
      note: "by hand",
      moves: [{ ...usd, amount: -3n }],
    });
    assert.deepEqual(book.postings.get("a2")?.moves, []);
  });
});

describe("the hourly summary", () => {
  test("adds up the calls of an hour, and an adjustment changes what they cost, not how many they were", () => {
    const { rollups } = play(`
        reserve h1 acme 10 at 0                → held
        reserve h2 acme 10 at 0                → held
        reserve h3 acme 10 at 0                → held
        reserve h4 acme 10 at 0                → held
        settle  h1 9 in 5 out 4 at 1           → posted 9
        release h2 at 2                        → posted 0
        expire  h3 at 59                       → posted 10
        settle  h3 7 in 6 out 1 at 59          → posted -3
        settle  h4 8 in 7 out 1 at 60          → posted 8
        adjust  a1 acme 5 at 60                → posted 5
    `);
    const lines = [...rollups.values()].map((row) => {
      const { input, output } = row.usage;
      const counts = `${row.calls} calls ${row.failures} failures ${input}+${output} tokens`;
      return `${row.hour} ${row.customer} ${row.model || "-"} ${counts} ${row.charge} of ${row.cost}`;
    });
    assert.deepEqual(lines, [
      "0 acme m1 3 calls 2 failures 11+5 tokens 16 of 16",
      "3600000 acme m1 1 calls 0 failures 7+1 tokens 8 of 8",
      "3600000 acme - 0 calls 0 failures 0+0 tokens 5 of 0",
    ]);
  });

  test("has one line for each hour, customer, key, model, provider and route of a batch", () => {
    const others = [
      { customer: "bert" },
      { key: { hash: "other", revision: null } },
      { facts: facts({ model: "other" }) },
      { facts: facts({ provider: "other" }) },
      { facts: facts({ route: "other" }) },
    ];
    const calls = [{}, {}, {}, ...others].map((rest, index) => reserve(`h${index}`, rest));
    const ends = calls.map(({ id }, index) => settle(id, index, { at: index === 2 ? HOUR_MS : 0 }));
    const { rollups } = decide(NO_ROWS, [...calls, ...ends], POLICY).changes;
    const lines = rollups.map(({ hour, calls, charge }) => [hour, calls, charge]);
    const single = [3n, 4n, 5n, 6n, 7n].map((charge) => [0, 1, charge]);
    assert.deepEqual(lines, [[0, 2, 1n], [HOUR_MS, 1, 2n], ...single]);
  });
});

describe("a batch", () => {
  test("whose call opens and ends in it leaves no hold to insert or delete", () => {
    const { changes } = decide(NO_ROWS, [reserve("h1"), settle("h1", 7)], POLICY);
    assert.deepEqual(changes.holdsOpened, []);
    assert.deepEqual(changes.holdsClosed, []);
    const moved = { used: 7n, held: 0n, peak: 7n, told: 0 };
    assert.deepEqual(changes.counters, [{ ...lifetimeCounter("acme"), ...moved }]);
  });

  test("that is repeated changes nothing", () => {
    const book = new Book();
    const created = createCustomer("c1", { id: "new" });
    const ended = [reserve("h1"), settle("h1", 7), reserve("h2"), release("h2")];
    const late = [reserve("h3"), expire("h3"), settle("h3", 9)];
    const commands = [...ended, ...late, reserve("h4"), adjust("a1", 5), created];
    book.apply(commands, POLICY);
    const { changes } = book.decide(commands, POLICY);
    for (const [table, rows] of Object.entries(changes)) assert.deepEqual(rows, [], table);
  });
});

const NO_ROWS: Rows = {
  customers: new Map(),
  budgets: new Map(),
  keys: new Map(),
  budgetsInUse: new Set(),
  aliases: new Map(),
  counters: new Map(),
  holds: new Map(),
  postings: new Map(),
};
