/** What the last batches saw, from which is guessed what the next one will lock. Nothing is ever decided from it. */

import type { Budget, CounterKey, Customer, Hold, Key } from "../../ledger/book.ts";
import type { Command, Policy } from "../../ledger/command.ts";
import { countersOf, reachOf } from "../../ledger/reach.ts";
import type { Changes, Rows } from "../../ledger/rows.ts";

/** Of each table, some 5 MB. An account that is not among them costs a round trip more. */
const ROWS_MAX = 10_000;

export class Memory {
  readonly #customers = new Map<string, Customer>();
  readonly #budgets = new Map<string, Budget>();
  readonly #keys = new Map<string, Key>();
  readonly #holds = new Map<string, Hold>();

  /** Undefined where a customer or call is not remembered, so that the guess would surely miss. */
  guess(commands: readonly Command[], policy: Policy): readonly CounterKey[] | undefined {
    if (!this.#knows(commands)) return undefined;
    const rows = {
      customers: this.#customers,
      budgets: this.#budgets,
      keys: this.#keys,
      holds: this.#holds,
      postings: new Map(),
      budgetsInUse: new Set<string>(),
      aliases: new Map(),
    };
    return countersOf(commands, rows, policy);
  }

  note(rows: Rows, changes: Changes): void {
    for (const customer of [...rows.customers.values(), ...changes.customers]) {
      remember(this.#customers, customer.id, customer);
    }
    for (const budget of [...rows.budgets.values(), ...changes.budgets]) {
      remember(this.#budgets, budget.id, budget);
    }
    for (const key of [...rows.keys.values(), ...changes.keys]) {
      remember(this.#keys, key.hash, key);
    }
    for (const hold of [...changes.holdsOpened, ...changes.holdsReplaced])
      remember(this.#holds, hold.id, hold);
    for (const id of changes.holdsClosed) this.#holds.delete(id);
    for (const id of changes.customersGone) this.#customers.delete(id);
    for (const id of changes.budgetsGone) this.#budgets.delete(id);
    for (const hash of changes.keysGone) this.#keys.delete(hash);
  }

  #knows(commands: readonly Command[]): boolean {
    const ends = commands.filter(({ kind }) => ENDS.has(kind));
    return (
      ends.every(({ id }) => this.#holds.has(id)) &&
      reachOf(commands).customers.every((id) => this.#customers.has(id))
    );
  }
}

const ENDS: ReadonlySet<Command["kind"]> = new Set(["settle", "release", "expire"]);

/** The one that was remembered longest ago makes room. */
function remember<Row>(rows: Map<string, Row>, id: string, row: Row): void {
  rows.delete(id);
  if (rows.size >= ROWS_MAX) {
    const [oldest = id] = rows.keys();
    rows.delete(oldest);
  }
  rows.set(id, row);
}
