/** Which rows a batch of commands touches, so that a database can read and lock them before anything is decided. */

import { counterName, type CounterKey, type Customer, type Key } from "./book.ts";
import type { Command, Policy } from "./command.ts";
import { chargedBy, countersOfCall, limitsFor, type Accounts, type Charged } from "./limits.ts";
import type { Rows } from "./rows.ts";

/** Known from the commands alone. Each list is free of doubles and sorted, which is the order to lock in. */
export interface Reach {
  /** Besides these, the customers and keys of the holds and postings that `ids` name are touched. */
  readonly customers: readonly string[];
  readonly keys: readonly string[];
  /** Of holds and of postings: a call has one or the other. */
  readonly ids: readonly string[];
}

export function reachOf(commands: readonly Command[]): Reach {
  return {
    customers: sorted(commands.flatMap(customersOf)),
    keys: sorted(commands.flatMap(keysOf)),
    ids: sorted(commands.flatMap(idsOf)),
  };
}

/** Budgets that can apply to these customers and keys. */
export function budgetIdsOf(
  customers: Iterable<Customer>,
  keys: Iterable<Key>,
  policy: Policy,
): readonly string[] {
  const ids = [
    policy.defaultCustomerBudgetId,
    ...Array.from(customers, (customer) => customer.budgetId),
    ...Array.from(keys).flatMap((key) => [key.budgetId, key.customerBudgetId]),
  ];
  return sorted(ids.filter((id) => id !== null));
}

/** Counters that the batch may move or show, given every other row. Free of doubles, sorted by `counterName`. */
export function countersOf(
  commands: readonly Command[],
  rows: Omit<Rows, "counters">,
  policy: Policy,
): readonly CounterKey[] {
  const accounts = accountsAfter(commands, rows);
  const named = new Map<string, CounterKey>();
  for (const command of commands) {
    for (const charged of chargedIn(command, rows)) {
      const limits = limitsFor(charged, accounts, policy);
      const counters = [...countersOfCall(charged.customer, limits), ...(charged.moves ?? [])];
      for (const counter of counters) named.set(counterName(counter), keyOf(counter));
    }
  }
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counter]) => counter);
}

/** The accounts as the batch leaves them: a call may follow its customer's creation in the same batch. */
function accountsAfter(commands: readonly Command[], rows: Omit<Rows, "counters">): Accounts {
  const created = commands.filter((command) => command.kind === "create_customer");
  const customers = new Map(created.map(({ customer }) => [customer.id, customer]));
  const budgets = new Map(
    created.flatMap(({ budget }) => (budget === null ? [] : [[budget.id, budget] as const])),
  );
  return {
    customer: (id) => rows.customers.get(id) ?? customers.get(id),
    key: (hash) => rows.keys.get(hash),
    budget: (id) => rows.budgets.get(id) ?? budgets.get(id),
  };
}

function customersOf(command: Command): string[] {
  switch (command.kind) {
    case "reserve":
      return command.customer === null ? [] : [command.customer];
    case "adjust":
      return [command.customer];
    case "create_customer":
      return [command.customer.id];
    case "settle":
    case "release":
    case "expire":
      return [];
  }
}

function keysOf(command: Command): string[] {
  if (command.kind === "reserve") return [command.key.hash];
  return command.kind === "adjust" ? [command.keyHash] : [];
}

function idsOf(command: Command): string[] {
  if (command.kind === "create_customer") return [];
  return command.kind === "settle" ? [command.id, lateId(command.id)] : [command.id];
}

/** Under this id a settle is posted that came after its hold had been expired. */
export function lateId(id: string): string {
  return `${id}:late`;
}

interface ChargedRow extends Charged {
  readonly moves?: readonly CounterKey[];
}

/** The calls that a command is about: the one it opens, and the ones that are stored under its ids. */
function chargedIn(command: Command, rows: Omit<Rows, "counters">): ChargedRow[] {
  const stored = idsOf(command).flatMap((id) => {
    const row = rows.holds.get(id) ?? rows.postings.get(id);
    return row === undefined ? [] : [row];
  });
  if (command.kind === "reserve") return [chargedBy(command), ...stored];
  if (command.kind !== "adjust") return stored;
  const { customer, keyHash, at } = command;
  return [{ customer, keyHash, facts: { model: "" }, at }, ...stored];
}

function keyOf({ scope, scopeId, meter, model, start, end }: CounterKey): CounterKey {
  return { scope, scopeId, meter, model, start, end };
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
