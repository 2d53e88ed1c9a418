/** What administrators write: whole or not at all, and never over what somebody else has written since. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Command, Outcome, Policy, Write } from "../../src/ledger/command.ts";
import { Book } from "../support/book.ts";
import {
  budget,
  createCustomer,
  customer,
  key,
  limit,
  POLICY,
  reserve,
  quote,
  write,
} from "../support/ledger.ts";

const TIER = budget("tier", [limit("usd", 100)]);

function nameOf(outcome: Outcome | undefined): string {
  if (outcome?.kind === "refused") return outcome.refusal.name;
  return outcome?.kind ?? "nothing";
}

function apply(book: Book, command: Command, policy: Policy = POLICY): string {
  const [outcome] = book.apply([command], policy);
  return nameOf(outcome);
}

/** A tier, a customer who has it, and a key. */
function founded(): Book {
  const book = new Book();
  const founding = write("w0", {
    budgets: [{ id: "tier", revision: null, row: TIER }],
    customers: [{ id: "acme", revision: null, row: customer("acme", { budgetId: "tier" }) }],
    keys: [{ id: "k1", revision: null, row: key("k1") }],
  });
  assert.equal(apply(book, founding), "written");
  return book;
}

describe("a write", () => {
  test("stamps every row with its own id", () => {
    const book = founded();
    assert.deepEqual(book.customers.get("acme"), {
      ...customer("acme", { budgetId: "tier" }),
      revision: "w0",
    });
    assert.equal(book.budgets.get("tier")?.revision, "w0");
    assert.equal(book.keys.get("k1")?.revision, "w0");
  });

  test("takes effect only where each row stands as it was read", () => {
    const book = founded();
    assert.equal(apply(book, rename("w1", null)), "changed");
    assert.equal(apply(book, rename("w2", "other")), "changed");
    assert.equal(apply(book, rename("w3", "w0")), "written");
    assert.equal(apply(book, rename("w4", "w0")), "changed");
    assert.equal(book.customers.get("acme")?.alias, "w3");
  });

  test("that is refused for one of its rows writes none of them", () => {
    const book = founded();
    const before = structuredClone([...book.customers, ...book.budgets]);
    const command = write("w1", {
      budgets: [{ id: "new", revision: null, row: budget("new", []) }],
      customers: [
        { id: "bert", revision: null, row: customer("bert") },
        { id: "acme", revision: "long ago", row: customer("acme") },
      ],
    });
    assert.equal(apply(book, command), "changed");
    assert.deepEqual([...book.customers, ...book.budgets], before);
  });

  test("repeated answers what it answered first, and a repeated deletion too", () => {
    const book = founded();
    const put = createCustomer("w1", { id: "bert" });
    assert.equal(apply(book, put), "written");
    assert.equal(apply(book, put), "written");
    const drop = write("w2", { customers: [{ id: "bert", revision: "w1", row: null }] });
    assert.equal(apply(book, drop), "written");
    assert.equal(apply(book, drop), "written");
    assert.equal(apply(book, put), "written", "the id can come back");
  });

  test("gives nobody a budget that does not exist, unless it makes it itself", () => {
    const book = founded();
    assert.equal(apply(book, link("w1", "none")), "unknown_budget");
    assert.equal(apply(book, link("w2", "tier")), "written");
    const own = budget("own", [limit("usd", 1)]);
    assert.equal(apply(book, createCustomer("w3", { id: "c" }, own)), "written");
    const keyed = write("w4", {
      keys: [{ id: "k2", revision: null, row: key("k2", { budgetId: "none" }) }],
    });
    assert.equal(apply(book, keyed), "unknown_budget");
  });

  test("lets a key name the budget of its customers before that exists", () => {
    const book = founded();
    const row = key("k2", { customerBudgetId: "later" });
    const command = write("w1", { keys: [{ id: "k2", revision: null, row }] });
    assert.equal(apply(book, command), "written");
  });

  test("deletes no budget that a customer, a key or the default has", () => {
    const book = founded();
    assert.equal(apply(book, drop("w1")), "budget_in_use");
    const leave = write("w2", {
      customers: [{ id: "acme", revision: "w0", row: customer("acme") }],
      keys: [{ id: "k1", revision: "w0", row: key("k1", { budgetId: "tier" }) }],
    });
    assert.equal(apply(book, leave), "written");
    assert.equal(apply(book, drop("w3")), "budget_in_use");
    const named = write("w4", {
      keys: [{ id: "k1", revision: "w2", row: key("k1", { customerBudgetId: "tier" }) }],
    });
    assert.equal(apply(book, named), "written");
    assert.equal(apply(book, drop("w5")), "budget_in_use");
    const freed = write("w6", { keys: [{ id: "k1", revision: "w4", row: key("k1") }] });
    assert.equal(apply(book, freed), "written");
    const isDefault = { ...POLICY, defaultCustomerBudgetId: "tier" };
    assert.equal(apply(book, drop("w7"), isDefault), "budget_in_use");
    assert.equal(apply(book, drop("w8")), "written");
    assert.equal(book.budgets.has("tier"), false);
  });

  test("deletes a budget together with the only one that has it", () => {
    const book = founded();
    const command = write("w1", {
      customers: [{ id: "acme", revision: "w0", row: null }],
      budgets: [{ id: "tier", revision: "w0", row: null }],
    });
    assert.equal(apply(book, command), "written");
    assert.deepEqual([book.customers.size, book.budgets.size], [0, 0]);
  });

  test("is obeyed by a call behind it in the same batch", () => {
    const book = founded();
    const tighter = write("w1", {
      budgets: [{ id: "tier", revision: "w0", row: budget("tier", [limit("usd", 5)]) }],
    });
    const call = reserve("h1", { quote: quote(10) });
    assert.deepEqual(book.apply([tighter, call], POLICY).map(nameOf), [
      "written",
      "budget_exceeded",
    ]);
  });
});

/** A customer who bears the id of the command as his alias. */
function rename(id: string, revision: string | null): Write {
  return write(id, { customers: [{ id: "acme", revision, row: customer("acme", { alias: id }) }] });
}

function link(id: string, budgetId: string): Write {
  return createCustomer(id, customer(`c-${id}`, { budgetId }));
}

function drop(id: string): Write {
  return write(id, { budgets: [{ id: "tier", revision: "w0", row: null }] });
}
