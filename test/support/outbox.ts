/** The outbox in memory, for the delivery loop alone: what it holds can be looked at and waited for. */

import type { OutboxEvent } from "../../src/ledger/book.ts";
import { LedgerUnavailable, type Outbox, type QueuedEvent } from "../../src/ledger/store.ts";

interface Entry {
  readonly event: OutboxEvent;
  dueAt: number;
  attempts: number;
  deliveredAt: number | null;
  readonly errors: string[];
}

export class MemoryOutbox implements Outbox {
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<() => void>();
  /** While it is set the database is away. */
  isAway = false;
  /** The limits that were asked for, in order. */
  readonly takes: number[] = [];
  refusals = 0;
  /** How often an event was marked as delivered. */
  deliveries = 0;
  prunedBefore: number | null = null;

  add(...events: readonly OutboxEvent[]): void {
    for (const event of events) {
      const entry = { event, dueAt: event.at, attempts: 0, deliveredAt: null, errors: [] };
      this.#entries.set(event.id, entry);
    }
  }

  async take(limit: number, now: number, leaseMs: number): Promise<readonly QueuedEvent[]> {
    this.takes.push(limit);
    this.#requireDatabase();
    const due = this.#waiting().filter((entry) => entry.dueAt <= now);
    const taken = due.slice(0, limit);
    for (const entry of taken) entry.dueAt = now + leaseMs;
    this.#changed();
    return taken.map(({ event, attempts }) => ({ ...event, attempts }));
  }

  async delivered(id: string, at: number): Promise<void> {
    this.#requireDatabase();
    this.deliveries += 1;
    this.#entry(id).deliveredAt = at;
    this.#changed();
  }

  async failed(id: string, retryAt: number, error: string): Promise<void> {
    this.#requireDatabase();
    const entry = this.#entry(id);
    entry.attempts += 1;
    entry.dueAt = retryAt;
    entry.errors.push(error);
    this.#changed();
  }

  async prune(deliveredBefore: number): Promise<void> {
    this.#requireDatabase();
    this.prunedBefore = deliveredBefore;
    this.#changed();
  }

  async pending(): Promise<bigint> {
    return BigInt(this.#waiting().length);
  }

  get waiting(): number {
    return this.#waiting().length;
  }

  errorsOf(id: string): readonly string[] {
    return this.#entry(id).errors;
  }

  dueAtOf(id: string): number {
    return this.#entry(id).dueAt;
  }

  /** Resolves after the change that makes it so. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #waiting(): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.deliveredAt === null);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`${id} was never put into the outbox`);
    return entry;
  }

  #requireDatabase(): void {
    if (!this.isAway) return;
    this.refusals += 1;
    this.#changed();
    throw new LedgerUnavailable("the database is away");
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }
}
