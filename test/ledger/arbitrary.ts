/** Any accounts and any commands: few names and small amounts, so that commands meet and limits are reached. */

import * as fc from "fast-check";

import type { Budget, Customer, Enforcement, Key, Limit, Meter } from "../../src/ledger/book.ts";
import type { Command, Policy, Quote, Reserve, Write } from "../../src/ledger/command.ts";
import type { UnsettledCharge } from "../../src/ledger/command.ts";
import { picoUsd } from "../../src/money/amount.ts";
import { Book } from "../support/book.ts";
import * as ledger from "../support/ledger.ts";
import type { World } from "./model.ts";

const COMMANDS_MAX = 60;

/** Minutes of three windows. */
const time = fc.nat(179).map((minutes) => minutes * 60_000);
const seldom = fc.nat(9).map((roll) => roll === 0);
const model = fc.constantFrom("m1", "m1", "m2");
const callId = fc.constantFrom("h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8");
const budgetId = fc.constantFrom("b1", "b2", "b3", "missing");
const customerId = fc.constantFrom("acme", "bert", "carl", "dora");
/** One in five knows an older version of its key than is stored. */
const rowOfKey = fc.record({
  hash: fc.constantFrom("k1", "k2"),
  revision: fc.constantFrom("r1", "r1", "r1", "r1", "r0"),
});

const keyOfCall: fc.Arbitrary<Reserve["key"]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ledger.MASTER_KEY) },
  { weight: 9, arbitrary: rowOfKey },
  { weight: 1, arbitrary: fc.constant({ hash: "unknown", revision: "r1" }) },
);

const limit = fc.oneof(
  { weight: 4, arbitrary: limitOf("usd", 120) },
  { weight: 1, arbitrary: limitOf("tokens", 150) },
  { weight: 1, arbitrary: limitOf("requests", 6) },
  { weight: 1, arbitrary: limitOf("concurrency", 4) },
);

function limitOf(meter: Meter, capMax: number): fc.Arbitrary<Limit> {
  const period = fc.constantFrom(null, ledger.HOURLY);
  return fc
    .record({ cap: fc.nat(capMax), model: fc.option(model, { freq: 2 }), period, soft: seldom })
    .map(({ cap, ...rest }) => ledger.limit(meter, cap, rest));
}

function budget(id: string): fc.Arbitrary<Budget> {
  const enforcement = fc.constantFrom<Enforcement>("hard", "hard", "last_call");
  return fc
    .tuple(fc.array(limit, { minLength: 1, maxLength: 4 }), enforcement)
    .map(([limits, enforcement]) => ledger.budget(id, limits, enforcement));
}

function customer(id: string): fc.Arbitrary<Customer> {
  return fc
    .record({ blocked: seldom, budgetId: fc.option(budgetId, { freq: 2 }) })
    .map((rest) => ledger.customer(id, rest));
}

function key(hash: string): fc.Arbitrary<Key> {
  const expiresAt = fc.constantFrom(null, null, null, 120 * 60_000);
  const customerBudgetId = fc.option(budgetId, { freq: 2 });
  return fc
    .record({ blocked: seldom, expiresAt, budgetId: fc.option(budgetId), customerBudgetId })
    .map((rest) => ledger.key(hash, rest));
}

const policy: fc.Arbitrary<Policy> = fc.record({
  defaultCustomerBudgetId: fc.option(budgetId, { freq: 2 }),
  fallbackCustomerBudget: fc.option(budget("fallback"), { freq: 1 }),
  newCustomers: fc.record({
    allowed: fc.constantFrom(true, true, true, false),
    perMinuteMax: fc.option(fc.nat(2), { freq: 1 }),
  }),
  unsettledCharge: fc.constantFrom<UnsettledCharge>("waive", "input", "ceiling"),
});

/** Two customers and two keys are there; of all others only the names are known. */
export const world: fc.Arbitrary<World> = fc.record({
  budgets: fc.tuple(budget("b1"), budget("b2"), budget("b3")),
  customers: fc.tuple(customer("acme"), customer("bert")),
  keys: fc.tuple(key("k1"), key("k2")),
  policy,
});

const price = fc.record({
  feesPico: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 5_500n })),
  inputPico: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 30_500n })),
  outputRate: fc.constantFrom(0n, 0n, 333n, 1000n, 1000n, 2500n).map(picoUsd),
});

const quote: fc.Arbitrary<Quote> = fc
  .record({
    inputTokens: fc.nat(20),
    outputTokens: fc.nat(40),
    outputTokensMin: fc.nat(10),
    choices: fc.integer({ min: 1, max: 3 }),
    price: fc.option(price, { freq: 12 }),
    markup: fc.constant(null),
  })
  .map((any) => ({ ...any, outputTokensMin: Math.min(any.outputTokensMin, any.outputTokens) }));

const reserve = fc
  .record({
    id: callId,
    at: time,
    customer: fc.option(customerId, { freq: 9 }),
    key: keyOfCall,
    facts: model.map((name) => ledger.facts({ model: name })),
    quote,
  })
  .map(({ id, ...rest }) => ledger.reserve(id, rest));

const settle = fc
  .record({
    id: callId,
    at: time,
    charge: fc.nat(60),
    usage: fc.record({ input: fc.nat(20), output: fc.nat(60) }),
  })
  .map(({ id, charge, ...rest }) => ledger.settle(id, charge, rest));

const adjust = fc
  .record({
    id: fc.constantFrom("a1", "a2", "a3"),
    at: time,
    customer: customerId,
    keyHash: fc.constantFrom("k1", ledger.MASTER_KEY.hash),
    amount: fc.integer({ min: -30, max: 30 }),
  })
  .map(({ id, amount, ...rest }) => ledger.adjust(id, amount, rest));

/** With limits of its own, with a budget that others share, or with none. */
function create(id: string): fc.Arbitrary<Write> {
  const own = fc.option(budget(`own_${id}`), { freq: 2 });
  return fc
    .tuple(customerId, own, fc.option(budgetId))
    .map(([customerId, own, shared]) =>
      ledger.createCustomer(id, { id: customerId, budgetId: own?.id ?? shared }, own),
    );
}

const creationId = fc.constantFrom("c1", "c2", "c3");

const command = fc.oneof(
  { weight: 12, arbitrary: reserve },
  { weight: 8, arbitrary: settle },
  { weight: 2, arbitrary: fc.tuple(callId, time).map(([id, at]) => ledger.release(id, at)) },
  { weight: 3, arbitrary: fc.tuple(callId, time).map(([id, at]) => ledger.expire(id, at)) },
  { weight: 2, arbitrary: adjust },
  { weight: 2, arbitrary: creationId },
);

/** A creation is drawn once and named by its id, so that one that is repeated is the same. */
export const commands: fc.Arbitrary<readonly Command[]> = fc
  .tuple(
    fc.tuple(create("c1"), create("c2"), create("c3")),
    fc.array(command, { maxLength: COMMANDS_MAX, size: "max" }),
  )
  .map(([creations, list]) =>
    list.flatMap((item): readonly Command[] =>
      typeof item === "string" ? creations.filter(({ id }) => id === item) : [item],
    ),
  );

export function bookOf({ budgets, customers, keys }: World): Book {
  const book = new Book();
  for (const row of budgets) book.budgets.set(row.id, row);
  for (const row of customers) book.customers.set(row.id, row);
  for (const row of keys) book.keys.set(row.hash, row);
  return book;
}
