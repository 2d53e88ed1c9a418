/** The rows of one batch while it is being decided: reads see what earlier commands of the batch wrote. */

import { nanoUsd } from "../money/amount.ts";
import { USAGE_PARTS, type Usage } from "../money/usage.ts";
import { counterName, type Budget, type Counter, type CounterKey } from "./book.ts";
import type { Customer, Hold, Key, Posting, RollupDelta } from "./book.ts";
import type { LedgerEvent } from "./event.ts";
import { counterKeyOf } from "./limits.ts";
import type { Changes, Rows } from "./rows.ts";

export class Draft {
  readonly #rows: Rows;
  readonly #customers: Rewritten<Customer>;
  readonly #budgets: Rewritten<Budget>;
  readonly #keys: Rewritten<Key>;
  readonly #counters = new Map<string, Counter>();
  readonly #opened = new Map<string, Hold>();
  readonly #closed = new Set<string>();
  readonly #postings = new Map<string, Posting>();
  readonly #rollups = new Map<string, RollupDelta>();
  readonly #events: LedgerEvent[] = [];

  constructor(rows: Rows) {
    this.#rows = rows;
    this.#customers = new Rewritten(rows.customers);
    this.#budgets = new Rewritten(rows.budgets);
    this.#keys = new Rewritten(rows.keys);
  }

  customer(id: string): Customer | undefined {
    return this.#customers.get(id);
  }

  budget(id: string): Budget | undefined {
    return this.#budgets.get(id);
  }

  key(hash: string): Key | undefined {
    return this.#keys.get(hash);
  }

  /** By a customer or a key that the batch does not write. */
  isBudgetInUse(id: string): boolean {
    return this.#rows.budgetsInUse.has(id);
  }

  /** As stored or as an earlier command of the batch gave it; one that was given up just now is not yet free. */
  isAliasOfAnother(alias: string, hash: string): boolean {
    const stored = this.#rows.aliases.get(alias) ?? hash;
    const written = this.#keys.standing().find((key) => key.alias === alias);
    return stored !== hash || (written !== undefined && written.hash !== hash);
  }

  /** A counter that was never moved stands at 0. */
  counter(key: CounterKey): Counter {
    const name = counterName(key);
    const row = this.#counters.get(name) ?? this.#rows.counters.get(name);
    return row ?? { ...counterKeyOf(key), ...UNMOVED };
  }

  hold(id: string): Hold | undefined {
    return this.#opened.get(id) ?? (this.#closed.has(id) ? undefined : this.#rows.holds.get(id));
  }

  posting(id: string): Posting | undefined {
    return this.#postings.get(id) ?? this.#rows.postings.get(id);
  }

  /** Null deletes. */
  putCustomer(id: string, customer: Customer | null): void {
    this.#customers.put(id, customer);
  }

  putBudget(id: string, budget: Budget | null): void {
    this.#budgets.put(id, budget);
  }

  putKey(hash: string, key: Key | null): void {
    this.#keys.put(hash, key);
  }

  moveCounter(key: CounterKey, used: bigint, held: bigint): void {
    const row = this.counter(key);
    const moved = { ...row, used: row.used + used, held: row.held + held };
    if (moved.held < 0n) throw new Error(`held below zero: ${JSON.stringify(counterName(key))}`);
    const peak = moved.used > row.peak ? moved.used : row.peak;
    this.#counters.set(counterName(key), { ...moved, peak });
  }

  /** Whether that is news: notes in the counter's row that it has been told. */
  tell(key: CounterKey, bit: number): boolean {
    const row = this.counter(key);
    if ((row.told & bit) !== 0) return false;
    this.#counters.set(counterName(key), { ...row, told: row.told | bit });
    return true;
  }

  /** The window begins again, and what happens in it is news again. */
  forget(key: CounterKey): void {
    const row = this.counter(key);
    this.#counters.set(counterName(key), { ...row, peak: row.used, told: 0 });
  }

  open(hold: Hold): void {
    this.#opened.set(hold.id, hold);
  }

  /** A hold that was opened in this very batch was never stored, so there is nothing to delete. */
  close(hold: Hold): void {
    this.#opened.delete(hold.id);
    if (this.#rows.holds.has(hold.id)) this.#closed.add(hold.id);
  }

  post(posting: Posting): void {
    this.#postings.set(posting.id, posting);
    const delta = rollupOf(posting);
    const name = rollupName(delta);
    const earlier = this.#rollups.get(name);
    this.#rollups.set(name, earlier === undefined ? delta : added(earlier, delta));
  }

  announce(event: LedgerEvent): void {
    this.#events.push(event);
  }

  changes(): Changes {
    const opened = [...this.#opened.values()];
    return {
      customers: this.#customers.standing(),
      customersGone: this.#customers.gone(),
      budgets: this.#budgets.standing(),
      budgetsGone: this.#budgets.gone(),
      keys: this.#keys.standing(),
      keysGone: this.#keys.gone(),
      counters: [...this.#counters.values()],
      holdsOpened: opened.filter(({ id }) => !this.#rows.holds.has(id)),
      holdsReplaced: opened.filter(({ id }) => this.#rows.holds.has(id)),
      holdsClosed: [...this.#closed],
      postings: [...this.#postings.values()],
      rollups: [...this.#rollups.values()],
      events: this.#events,
    };
  }
}

/** Rows of one table as they were read, and what has become of them since. */
class Rewritten<Row> {
  readonly #read: ReadonlyMap<string, Row>;
  readonly #changed = new Map<string, Row | null>();

  constructor(read: ReadonlyMap<string, Row>) {
    this.#read = read;
  }

  get(id: string): Row | undefined {
    const changed = this.#changed.get(id);
    return changed === undefined ? this.#read.get(id) : (changed ?? undefined);
  }

  put(id: string, row: Row | null): void {
    this.#changed.set(id, row);
  }

  standing(): Row[] {
    return [...this.#changed.values()].filter((row) => row !== null);
  }

  gone(): string[] {
    return [...this.#changed].flatMap(([id, row]) => (row === null ? [id] : []));
  }
}

const UNMOVED = { used: 0n, held: 0n, peak: 0n, told: 0 };

const HOUR_MS = 3_600_000;

/** A correction changes what calls cost, not how many there were. */
function rollupOf(posting: Posting): RollupDelta {
  const counts = posting.kind === "adjusted" || posting.kind === "reset" ? 0 : 1;
  return {
    hour: Math.floor(posting.at / HOUR_MS) * HOUR_MS,
    customer: posting.customer ?? "",
    keyHash: posting.keyHash,
    model: posting.facts.model,
    provider: posting.facts.provider,
    route: posting.facts.route,
    calls: counts,
    failures: posting.kind === "settled" ? 0 : counts,
    usage: posting.usage,
    cost: posting.cost,
    charge: posting.charge,
  };
}

function rollupName(delta: RollupDelta): string {
  const { hour, customer, keyHash, model, provider, route } = delta;
  return [hour, customer, keyHash, model, provider, route].join("\u0000");
}

function added(a: RollupDelta, b: RollupDelta): RollupDelta {
  return {
    ...a,
    calls: a.calls + b.calls,
    failures: a.failures + b.failures,
    usage: addedUsage(a.usage, b.usage),
    cost: nanoUsd(a.cost + b.cost),
    charge: nanoUsd(a.charge + b.charge),
  };
}

function addedUsage(a: Usage, b: Usage): Usage {
  const parts = USAGE_PARTS.map((part) => [part, (a[part] ?? 0) + (b[part] ?? 0)] as const);
  return Object.fromEntries(parts.filter(([, tokens]) => tokens > 0));
}
