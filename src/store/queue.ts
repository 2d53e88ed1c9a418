/** Group commit: what arrives while a commit is under way waits, and goes together in the next one. */

import type { Command } from "../ledger/command.ts";
import { LedgerUnavailable } from "../ledger/store.ts";

/** Longer batches save little more of the fixed cost of a commit, and the first caller waits for the last. */
export const BATCH_WEIGHT_MAX = 512;

/** Over a second's work of the slower database, and about 20 MB. Whoever comes later had better retry elsewhere. */
export const WAITING_WEIGHT_MAX = 16_384;

export interface CommitQueueOptions<Task, Result> {
  /**
   * Commits the tasks in order, all or none of them, and answers each. `LedgerUnavailable` means that the database is
   * out of reach; any other error, that one of the tasks cannot be done.
   */
  readonly commit: (tasks: readonly Task[]) => Promise<readonly Result[]>;
  /** How many commands a task stands for. A task is never split, so one may be heavier than a batch. */
  readonly weightOf: (task: Task) => number;
  /** Whether the task must have a commit of its own. */
  readonly standsAlone: (task: Task) => boolean;
}

interface Waiting<Task, Result> {
  readonly task: Task;
  readonly weight: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: LedgerUnavailable) => void;
}

export class CommitQueue<Task, Result> {
  readonly #options: CommitQueueOptions<Task, Result>;
  #waiting: Waiting<Task, Result>[] = [];
  #waitingWeight = 0;
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(options: CommitQueueOptions<Task, Result>) {
    this.#options = options;
  }

  push(task: Task): Promise<Result> {
    if (this.#closed) return Promise.reject(new LedgerUnavailable("the ledger is closed"));
    const weight = this.#options.weightOf(task);
    if (this.#waitingWeight + weight > WAITING_WEIGHT_MAX) {
      return Promise.reject(new LedgerUnavailable("too many commands wait for the database"));
    }
    this.#waitingWeight += weight;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, weight, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Takes nothing more, and resolves when everything taken is answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#nextBatch());
    this.#working = undefined;
  }

  #nextBatch(): readonly Waiting<Task, Result>[] {
    const { standsAlone } = this.#options;
    let weight = 0;
    let count = 0;
    for (const next of this.#waiting) {
      const isAlone = standsAlone(next.task);
      if (count > 0 && (isAlone || weight + next.weight > BATCH_WEIGHT_MAX)) break;
      weight += next.weight;
      count += 1;
      if (isAlone) break;
    }
    this.#waitingWeight -= weight;
    return this.#waiting.splice(0, count);
  }

  async #commit(batch: readonly Waiting<Task, Result>[]): Promise<void> {
    try {
      const results = await this.#options.commit(batch.map(({ task }) => task));
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      await this.#fail(batch, error);
    }
  }

  /** A task that cannot be done must not fail the strangers it shared a transaction with, so each is tried alone. */
  async #fail(batch: readonly Waiting<Task, Result>[], error: unknown): Promise<void> {
    if (batch.length > 1 && !(error instanceof LedgerUnavailable)) {
      for (const waiting of batch) await this.#commit([waiting]);
      return;
    }
    const unavailable = unavailableBecause(error);
    for (const { reject } of batch) reject(unavailable);
  }
}

export function unavailableBecause(error: unknown): LedgerUnavailable {
  if (error instanceof LedgerUnavailable) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new LedgerUnavailable(`the ledger failed: ${text}`, { cause: error });
}

/** Rows that are written cost what commands do. */
export function weightOf(commands: readonly Command[]): number {
  const weights = commands.map((command) => {
    if (command.kind !== "write") return 1;
    return command.customers.length + command.budgets.length + command.keys.length;
  });
  return Math.max(
    weights.reduce((sum, weight) => sum + weight, 0),
    1,
  );
}

/** A write of accounts decides which limits the calls behind it have, so none of them is decided beside it. */
export function writesAccounts(commands: readonly Command[]): boolean {
  return commands.some(({ kind }) => kind === "write");
}
