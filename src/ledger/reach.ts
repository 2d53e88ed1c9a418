/** Which rows a batch of commands touches, so that a database can read and lock them before anything is decided. */

import { counterName, type CounterKey } from "./book.ts";
import type { Command, Policy, Reserve, Rewrite, Write } from "./command.ts";
import { chargedBy, counterKeyOf, countersOfCall, limitsFor } from "./limits.ts";
import type { Accounts, Charged } from "./limits.ts";
import type { Rows } from "./rows.ts";
import { linkedBudgets } from "./write.ts";

/** Known from the commands alone. Each list is free of doubles and sorted, which is the order to lock in. */
export interface Reach {
  /** Besides these, the customers and keys of the holds and postings that `ids` name are touched. */
  readonly customers: readonly string[];
  readonly keys: readonly string[];
  /** Of holds and of postings: a call has one or the other. */
  readonly ids: readonly string[];
  /** Accounts that must not change until the batch is done, as it writes them or leans on them. */
  readonly locked: LockedAccounts | null;
}

export interface LockedAccounts {
  readonly customers: readonly string[];
  readonly budgets: readonly string[];
  readonly keys: readonly string[];
  /** Of those, the budgets that are deleted, if nobody else has them. */
  readonly budgetsGone: readonly string[];
  /** That keys are given, if no other key has them. */
  readonly aliases: readonly string[];
}

export function reachOf(commands: readonly Command[]): Reach {
  const writes = writesIn(commands);
  return {
    customers: sorted(commands.flatMap(customersOf)),
    keys: sorted(commands.flatMap(keysOf)),
    ids: sorted(commands.flatMap(idsOf)),
    locked: writes.length === 0 ? null : lockedBy(writes),
  };
}

/** Budgets that can apply to the customers and keys that were read, and those that the batch writes or links. */
export function budgetIdsOf(
  commands: readonly Command[],
  rows: Pick<Rows, "customers" | "keys">,
  policy: Policy,
): readonly string[] {
  const keys = [...rows.keys.values(), ...writesIn(commands).flatMap((write) => put(write.keys))];
  const ids = [
    policy.defaultCustomerBudgetId,
    ...[...rows.customers.values()].map((customer) => customer.budgetId),
    ...keys.flatMap((key) => [key.budgetId, key.customerBudgetId]),
    ...(reachOf(commands).locked?.budgets ?? []),
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
 * The accounts as a command may find them. Whether a write in front of it took effect is known only when that has been
 * decided, so the counters of both are needed: of each write by itself, and of all together.
 */
function accountsDuring(commands: readonly Command[], rows: Omit<Rows, "counters">): Accounts[] {
  const stored: Accounts = {
    customer: (id) => rows.customers.get(id),
    key: (hash) => rows.keys.get(hash),
    budget: (id) => rows.budgets.get(id),
  };
  const writes = writesIn(commands);
  const alone = writes.map((write) => accountsAfter(write, stored));
  // Of two writes of one row, as a rule only the first can take effect.
  const together = writes
    .toReversed()
    .reduce((after, write) => accountsAfter(write, after), stored);
  return writes.length > 1 ? [stored, ...alone, together] : [stored, ...alone];
}

function accountsAfter(
  { id: revision, customers, budgets, keys }: Write,
  stored: Accounts,
): Accounts {
  const written = {
    customers: new Map(put(customers).map((row) => [row.id, { ...row, revision }])),
    budgets: new Map(put(budgets).map((row) => [row.id, { ...row, revision }])),
    keys: new Map(put(keys).map((row) => [row.hash, { ...row, revision }])),
  };
  return {
    customer: (id) => written.customers.get(id) ?? stored.customer(id),
    key: (hash) => written.keys.get(hash) ?? stored.key(hash),
    budget: (id) => written.budgets.get(id) ?? stored.budget(id),
  };
}

function put<Row extends { readonly revision: string }>(rewrites: readonly Rewrite<Row>[]) {
  return rewrites.flatMap(({ row }) => (row === null ? [] : [row]));
}

function writesIn(commands: readonly Command[]): Write[] {
  return commands.filter((command) => command.kind === "write");
}

function lockedBy(writes: readonly Write[]): LockedAccounts {
  const budgets = writes.flatMap((write) => write.budgets);
  return {
    customers: sorted(writes.flatMap((write) => write.customers.map(({ id }) => id))),
    budgets: sorted([...budgets.map(({ id }) => id), ...writes.flatMap(linkedBudgets)]),
    keys: sorted(writes.flatMap((write) => write.keys.map(({ id }) => id))),
    budgetsGone: sorted(budgets.filter(({ row }) => row === null).map(({ id }) => id)),
    aliases: sorted(writes.flatMap((write) => put(write.keys).flatMap(({ alias }) => alias ?? []))),
  };
}

function customersOf(command: Command): string[] {
  switch (command.kind) {
    case "reserve":
    case "check":
      return command.customer === null ? [] : [command.customer];
    case "adjust":
    case "reset":
      return [command.customer];
    case "write":
      return command.customers.map(({ id }) => id);
    case "settle":
    case "release":
    case "expire":
    case "reprice":
      return [];
  }
}

function keysOf(command: Command): string[] {
  switch (command.kind) {
    case "reserve":
    case "check":
      return [command.key.hash];
    case "adjust":
    case "reset":
      return [command.keyHash];
    case "write":
      return command.keys.map(({ id }) => id);
    case "settle":
    case "release":
    case "expire":
    case "reprice":
      return [];
  }
}

function idsOf(command: Command): string[] {
  if (command.kind === "write" || command.kind === "check") return [];
  if (command.kind === "reprice") return [command.id, command.corrects];
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
  switch (command.kind) {
    case "write":
      return [];
    case "reserve":
    case "check":
      return [chargedBy(command), ...stored];
    case "adjust":
    case "reset": {
      const { customer, keyHash, at, counters: moves } = command;
      return [{ customer, keyHash, facts: { model: "" }, at, moves }, ...stored];
    }
    case "settle":
    case "release":
    case "expire":
    case "reprice": {
      const { at } = command;
      const ended = [...stored, ...(opened.get(command.id) ?? []).map(chargedBy)];
      // The posting bears this time, so a command after it in the batch may ask where its limits stood then.
      return [...stored, ...ended.map((call) => ({ ...call, at }))];
    }
  }
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
