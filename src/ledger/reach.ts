/** Which rows a batch of commands touches, so that a database can read and lock them before anything is decided. */

import type { CounterKey, Customer, Key } from "./book.ts";
import type { Command, Policy } from "./command.ts";
import type { Rows } from "./rows.ts";

/** Known from the commands alone. Each list is free of doubles and sorted, which is the order to lock in. */
export interface Reach {
  /** Besides these, the customers and keys of the holds that `ids` name are touched. */
  readonly customers: readonly string[];
  readonly keys: readonly string[];
  /** Of holds and of postings: a call has one or the other. */
  readonly ids: readonly string[];
}

export function reachOf(_commands: readonly Command[]): Reach {
  throw new Error("not yet");
}

/** Budgets that can apply to these customers and keys. */
export function budgetIdsOf(
  _customers: Iterable<Customer>,
  _keys: Iterable<Key>,
  _policy: Policy,
): readonly string[] {
  throw new Error("not yet");
}

/** Counters that the batch may move, given every other row. Free of doubles, sorted by `counterName`. */
export function countersOf(
  _commands: readonly Command[],
  _rows: Omit<Rows, "counters">,
  _policy: Policy,
): readonly CounterKey[] {
  throw new Error("not yet");
}
