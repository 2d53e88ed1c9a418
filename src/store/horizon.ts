/**
 * Up to which place a log is filled for good. On PostgreSQL places are given in one order and transactions end in
 * another, so a reader that simply took what is there would pass by a row that is committed a moment later.
 */

import { sql } from "kysely";
import type { Database } from "./database.ts";

/** Everything up to `seq` was given its place by transactions older than `mark`. */
interface Candidate {
  readonly seq: bigint;
  readonly mark: bigint;
}

/**
 * A transaction has an id before it takes a place. Of whoever took a place up to the newest one that can be seen, the
 * id is older than one that is taken now; once every older transaction has ended, all of those places are filled, or
 * will never be. A transaction of any database of the server that stays open for long holds up the readers as long.
 */
export class Horizon {
  readonly #database: Database;
  readonly #table: LogTable;
  #reached = 0n;
  #candidate: Candidate | undefined;

  constructor(database: Database, table: LogTable) {
    this.#database = database;
    this.#table = table;
  }

  async look(): Promise<bigint> {
    this.#candidate ??= await this.#newest();
    const candidate = this.#candidate;
    if (candidate !== undefined && (await this.#oldestRunning()) > candidate.mark) {
      this.#reached = candidate.seq;
      this.#candidate = undefined;
    }
    return this.#reached;
  }

  /** Takes an id only if there is something new, so that looking in vain writes nothing. */
  async #newest(): Promise<Candidate | undefined> {
    const { rows } = await sql<{ readonly seq: bigint; readonly mark: bigint | null }>`
      select seq, case when seq > ${this.#reached} then pg_current_xact_id()::text::bigint end as mark
      from (select max(seq) as seq from ${sql.table(this.#table)}) as log`.execute(
      this.#database.query,
    );
    const [{ seq, mark } = { seq: 0n, mark: null }] = rows;
    return mark === null ? undefined : { seq, mark };
  }

  async #oldestRunning(): Promise<bigint> {
    const { rows } = await sql<{ readonly xmin: bigint }>`
      select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin`.execute(
      this.#database.query,
    );
    return rows[0]?.xmin ?? 0n;
  }
}

export type LogTable = "events" | "postings";
