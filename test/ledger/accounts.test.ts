/** Who may call, for whom and for which model, and what an administrator can ask of an account, by example. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Command, Outcome } from "../../src/ledger/command.ts";
import { Book } from "../support/book.ts";
import { adjust, createCustomer, POLICY } from "../support/ledger.ts";
import { play } from "../support/table.ts";

describe("a customer's rights", () => {
  test("a list of models lets those through and no others, a star any ending, an empty list all", () => {
    play(`
      given   customer acme models m1,gpt-*
              customer bert
        reserve h1 acme 1                      → held 1
        reserve h2 acme 1 model gpt-4o         → held 1
        reserve h3 acme 1 model gpt            → refused customer_model_denied
        reserve h4 acme 1 model m2             → refused customer_model_denied
        reserve h5 bert 1 model m2             → held 1
    `);
  });

  test("the models of the key narrow those of the customer", () => {
    play(`
      given   key k1 models m1,m2
              customer acme models m2,m3
        reserve h1 acme 1 key k1 model m1      → refused customer_model_denied
        reserve h2 acme 1 key k1 model m3      → refused key_model_denied
        reserve h3 acme 1 key k1 model m2      → held 1
        reserve h4 - 1 key k1 model m1         → held 1
    `);
  });

  test("who is kept to a region is served only from there", () => {
    play(`
      given   customer acme region eu
        reserve h1 acme 1                      → refused region_denied
        reserve h2 acme 1 in us                → refused region_denied
        reserve h3 acme 1 in eu                → held 1
    `);
  });

  test("who is blocked learns that before anything else, and a refused stranger is not made", () => {
    play(`
      given   customer evil blocked models m9
              newcomers refused
        reserve h1 evil 1                      → refused customer_blocked
        reserve h2 stranger 1                  → refused unknown_customer
        reserve h3 - 1                         → held 1
      expect  customers evil
    `);
  });
});

describe("new customers", () => {
  test("are made by calls so many times a minute, and those who are known go on calling", () => {
    play(`
      given   newcomers 2
        reserve h1 a 1                         → held 1
        reserve h2 b 1                         → held 1
        reserve h3 c 1                         → refused rate_limited global
        reserve h4 a 1                         → held 1
        settle  h1 1                           → posted 1
        release h2                             → posted 0 released
        reserve h5 c 1                         → refused rate_limited global
        reserve h6 c 1 at 1                    → held 1
      expect  customers a b c
    `);
  });
});

describe("a soft limit", () => {
  test("refuses nothing, shows in no figure, and is told when it is crossed", () => {
    play(`
      given   budget b usd 100 soft:usd 10
              customer acme budget b
        reserve h1 acme 60                     → held 60 out 0 left 40
        settle  h1 9                           → posted 9 settled left 91
        reserve h2 acme 60                     → held 60 out 0 left 31
        settle  h2 5                           → posted 5 settled left 86
        reserve h3 acme 60                     → held 60 out 0 left 26
        settle  h3 1                           → posted 1 settled left 85
      expect  events customer.spend_tracked:9 customer.spend_tracked:5 budget.soft_crossed:14 customer.spend_tracked:1
    `);
  });

  test("alone is no money limit, so an unpriced model stays usable", () => {
    play(`
      given   budget b soft:usd 10
              customer acme budget b
        reserve h1 acme 60 unpriced            → held 0 out 0 left any
    `);
  });
});

describe("a check", () => {
  test("answers what a reserve would, and holds nothing", () => {
    play(`
      given   budget b usd 100
              customer acme budget b
        check   q1 acme 60 out 50 min 1        → admissible 100 out 40 left 100
        check   q1 acme 60 out 50 min 1        → admissible 100 out 40 left 100
        check   q2 acme 101                    → refused budget_exceeded customer acme usd left 100
        check   q3 stranger 1                  → admissible 1 out 0 left any
      expect  holds
      expect  postings
      expect  customers acme
    `);
  });
});

describe("a reset", () => {
  test("begins the windows again at 0 and leaves what was charged, what is held and where they end", () => {
    const book = play(`
      given   budget b usd/hour 100 usd@m1/hour 50
              customer acme budget b
        reserve h1 acme 40 at 1                → held 40 out 0 left 10
        settle  h1 40 at 1                     → posted 40 settled left 10
        reserve h2 acme 10 at 2                → held 10 out 0 left 0
        reset   r1 acme usd usd/hour usd@m1/hour at 3   → posted 0 reset left 90
        reset   r1 acme usd usd/hour usd@m1/hour at 3   → posted 0 reset left 90
        reserve h3 acme 40 at 4                → held 40 out 0 left 0
        settle  h2 10 at 5                     → posted 10 settled left 0
      expect  acme usd used 10 held 40
      expect  acme usd/hour used 10 held 40
      expect  acme usd@m1/hour used 10 held 40
    `);
    const charged = [...book.postings.values()].reduce((sum, { charge }) => sum + charge, 0n);
    assert.equal(charged, 50n);
  });

  test("of a customer who does not exist is refused", () => {
    play(`
        reset   r1 acme usd                    → refused unknown_customer
    `);
  });
});

describe("an adjustment", () => {
  test("that goes with a write is posted only if that write made the customer what it is", () => {
    const book = new Book();
    assert.deepEqual(kinds(book.apply(opening("w1"), POLICY)), ["written", "posted"]);
    assert.deepEqual(kinds(book.apply(opening("w2"), POLICY)), ["refused", "refused"]);
    assert.equal(book.postings.size, 1);
  });
});

/** A new customer, and what it has spent before. */
function opening(id: string): Command[] {
  return [createCustomer(id, { id: "acme" }), adjust(`${id}-opening`, 5, { revision: id })];
}

function kinds(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ kind }) => kind);
}
