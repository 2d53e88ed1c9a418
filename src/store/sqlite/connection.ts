/** One connection to a SQLite file. Everything on it blocks its thread. */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Row, SqlValue } from "../rows.ts";

/** Nobody else writes the file for long: a person with a shell, or a backup. */
const BUSY_TIMEOUT_MS = 5_000;

/** The log can only grow while somebody reads, and an audit may read for minutes; then it is cut back to this. */
const LOG_BYTES_MAX = 64 * 2 ** 20;

/** The ledger's own statements are some forty; lists of several lengths make the rest. */
const STATEMENTS_MAX = 500;

export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string, readOnly: boolean) {
    this.#database = new DatabaseSync(file, {
      readOnly,
      timeout: BUSY_TIMEOUT_MS,
      readBigInts: true,
      enableForeignKeyConstraints: false,
    });
    if (readOnly) return;
    // A commit is on the disk before it is answered. The log is overwritten in place from its second round on, every
    // 4 MB, which keeps that cheap: an `fsync` takes 0.2 ms, and 0.35 ms where the file grows.
    this.#database.exec("pragma journal_mode = wal; pragma synchronous = full");
    this.#database.exec(`pragma journal_size_limit = ${String(LOG_BYTES_MAX)}`);
  }

  run(text: string, parameters: readonly SqlValue[] = []): readonly Row[] {
    return this.#prepare(text).all(...parameters);
  }

  /** The row of a key that has at most one. */
  find(text: string, ...parameters: readonly SqlValue[]): Row | undefined {
    return this.#prepare(text).get(...parameters);
  }

  /** For what answers no rows. */
  execute(text: string, parameters: readonly SqlValue[]): void {
    this.#prepare(text).run(...parameters);
  }

  /** Several statements, without parameters. */
  script(text: string): void {
    this.#database.exec(text);
  }

  transaction<T>(body: () => T): T {
    this.run("begin immediate");
    try {
      const result = body();
      this.run("commit");
      return result;
    } catch (error) {
      // SQLite has ended it already if the disk is full or broken.
      if (this.#database.isTransaction) this.run("rollback");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}
