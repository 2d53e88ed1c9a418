/** Which rows a batch of commands touches, so that a database can read and lock them before anything is decided. */

import { counterName, type CounterKey } from "./book.ts";
import type { Command, CreateCustomer, Policy, Reserve } from "./command.ts";
import { chargedBy, counterKeyOf, countersOfCall, limitsFor } from "./limits.ts";
import type { Accounts, Charged } from "./limits.ts";
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

/** Budgets that can apply to the customers and keys that were read, and to the customers that the batch creates. */
export function budgetIdsOf(
  commands: readonly Command[],
  rows: Pick<Rows, "customers" | "keys">,
  policy: Policy,
): readonly string[] {
  const created = creationsIn(commands).map(({ customer }) => customer);
  const ids = [
    policy.defaultCustomerBudgetId,
    ...[...rows.customers.values(), ...created].map((customer) => customer.budgetId),
    ...[...rows.keys.values()].flatMap((key) => [key.budgetId, key.customerBudgetId]),
  ];
  return sorted(ids.filter((id) => id !== null));
}

/** Counters that the batch may move or show, given every other row. Free of doubles, sorted by `counterName`. */
export function countersOf(
  commands: readonly Command[],
  rows: Omit<Rows, "counters">,
  policy: Policy,
): readonly CounterKey[] {
  const reserves = commands.filter((command) => command.kind === "reserve");
  const opened = Map.groupBy(reserves, (command) => command.id);
  const calls = commands.flatMap((command) => chargedIn(command, rows, opened));
  const named = new Map<string, CounterKey>();
  for (const accounts of accountsDuring(commands, rows)) {
    for (const call of calls) {
      const limits = limitsFor(call, accounts, policy);
      const counters = [...countersOfCall(call.customer, limits), ...(call.moves ?? [])];
      for (const counter of counters) named.set(counterName(counter), counterKeyOf(counter));
    }
  }
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counter]) => counter);
}

/**
 * The accounts as a command may find them. Whether a customer's creation took effect by then, or a call had made the
 * customer before, is known only when the commands in front have been decided, so the counters of both are needed.
 */
function accountsDuring(commands: readonly Command[], rows: Omit<Rows, "counters">): Accounts[] {
  const creations = creationsIn(commands);
  const budgets = new Map(
    creations.flatMap(({ budget }) => (budget === null ? [] : [[budget.id, budget] as const])),
  );
  const without: Accounts = {
    customer: (id) => rows.customers.get(id),
    key: (hash) => rows.keys.get(hash),
    budget: (id) => rows.budgets.get(id) ?? budgets.get(id),
  };
  if (creations.length === 0) return [without];
  // Of two creations of one customer, only the first can take effect.
  const customers = new Map(creations.toReversed().map(({ customer }) => [customer.id, customer]));
  return [without, { ...without, customer: (id) => rows.customers.get(id) ?? customers.get(id) }];
}

function creationsIn(commands: readonly Command[]): CreateCustomer[] {
  return commands.filter((command) => command.kind === "create_customer");
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

/** The calls that a command is about: the one it opens, and the ones that are stored or opened under its ids. */
function chargedIn(
  command: Command,
  rows: Omit<Rows, "counters">,
  opened: ReadonlyMap<string, readonly Reserve[]>,
): ChargedRow[] {
  const stored = idsOf(command).flatMap((id) => {
    const row = rows.holds.get(id) ?? rows.postings.get(id);
    return row === undefined ? [] : [row];
  });
  if (command.kind === "reserve") return [chargedBy(command), ...stored];
  const { at } = command;
  if (command.kind === "adjust") {
    const { customer, keyHash } = command;
    return [{ customer, keyHash, facts: { model: "" }, at }, ...stored];
  }
  const ended = [...stored, ...(opened.get(command.id) ?? []).map(chargedBy)];
  // The posting bears this time, so a command after it in the batch may ask where its limits stood then.
  return [...stored, ...ended.map((call) => ({ ...call, at }))];
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
