/** What a batch of commands reads and what it changes: the whole conversation between `decide` and a database. */

import type { Budget, Counter, Customer, Hold, Key, Posting, RollupDelta } from "./book.ts";
import type { LedgerEvent } from "./event.ts";
import type { Outcome } from "./command.ts";

/** The rows as they were read, locked for the length of the transaction. A missing row is a missing entry. */
export interface Rows {
  readonly customers: ReadonlyMap<string, Customer>;
  readonly budgets: ReadonlyMap<string, Budget>;
  readonly keys: ReadonlyMap<string, Key>;
  /** Of the budgets that the batch deletes: those that a customer or key has which the batch does not write. */
  readonly budgetsInUse: ReadonlySet<string>;
  /** Of the aliases that the batch gives to keys: the hash of the key that has it. */
  readonly aliases: ReadonlyMap<string, string>;
  /** By `counterName`. */
  readonly counters: ReadonlyMap<string, Counter>;
  readonly holds: ReadonlyMap<string, Hold>;
  readonly postings: ReadonlyMap<string, Posting>;
}

/** New states, each row at most once; accounts and counters replace or insert. What is gone is named by its id. */
export interface Changes {
  readonly customers: readonly Customer[];
  readonly customersGone: readonly string[];
  readonly budgets: readonly Budget[];
  readonly budgetsGone: readonly string[];
  readonly keys: readonly Key[];
  readonly keysGone: readonly string[];
  readonly counters: readonly Counter[];
  readonly holdsOpened: readonly Hold[];
  /** The next attempt's, in place of the one before. */
  readonly holdsReplaced: readonly Hold[];
  /** Ids of holds to delete. */
  readonly holdsClosed: readonly string[];
  readonly postings: readonly Posting[];
  /** To be added to what is stored; at most one per (hour, customer, key, model, provider, route). */
  readonly rollups: readonly RollupDelta[];
  /** One whose id was written before is not written again. */
  readonly events: readonly LedgerEvent[];
}

export interface Decision {
  /** One per command, in order. */
  readonly outcomes: readonly Outcome[];
  readonly changes: Changes;
}
