/** Connections to PostgreSQL that fail promptly and come back by themselves. */

import postgres from "postgres";
import { LedgerUnavailable } from "../../ledger/store.ts";
import type { Row, SqlValue } from "../rows.ts";

/** A database in reach takes a connection within milliseconds; callers are refused rather than kept waiting. */
const CONNECT_TIMEOUT_S = 2;

/** What is in flight when Purser stops gets this long to finish. */
const CLOSE_TIMEOUT_S = 5;

export interface ClientOptions {
  readonly url: string;
  readonly connections: number;
  /**
   * After this long without an answer the server is taken for gone, since a network that swallows packets never says
   * so. Null for statements that rightly take long.
   */
  readonly deadlineMs: number | null;
  /** Settings of the server's side of each connection. */
  readonly settings: Readonly<Record<string, string>>;
}

type Sql = postgres.Sql<{ bigint: bigint }>;

export class Client {
  readonly #options: ClientOptions;
  #sql: Sql | undefined;
  #losses = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Grows with every connection that ends. Statements of one transaction must all see the same number. */
  get losses(): number {
    return this.#losses;
  }

  /**
   * Statements go out in the order of the calls, without waiting for one another. Rejects with `LedgerUnavailable`
   * if no answer came, and with the server's own error if it gave one.
   */
  async run(text: string, parameters: readonly SqlValue[] = []): Promise<readonly Row[]> {
    const sql = (this.#sql ??= this.#open());
    const { deadlineMs } = this.#options;
    const timer = deadlineMs === null ? undefined : setTimeout(() => this.#drop(sql), deadlineMs);
    try {
      return await sql.unsafe(text, [...parameters], { prepare: true });
    } catch (error) {
      if (isAnswer(error)) throw error;
      this.#drop(sql);
      throw new LedgerUnavailable("PostgreSQL cannot be reached", { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#sql?.end({ timeout: CLOSE_TIMEOUT_S });
  }

  #open(): Sql {
    const { url, connections, settings } = this.#options;
    const sql: Sql = postgres(url, {
      max: connections,
      connect_timeout: CONNECT_TIMEOUT_S,
      // The driver may end a connection that is old, but between two statements of a transaction too.
      max_lifetime: null,
      // The pause before a connection is opened anew. Callers have been refused by then and decide for themselves.
      backoff: false,
      fetch_types: false,
      types: { bigint: postgres.BigInt },
      connection: { application_name: "purser", ...settings },
      onnotice: () => undefined,
      onclose: () => {
        if (this.#sql === sql) this.#losses += 1;
      },
    });
    return sql;
  }

  /**
   * Starts afresh after a lost connection. The driver would reconnect by itself, but it would send what it still had
   * in its queue, and that belongs to a transaction which is gone.
   */
  #drop(sql: Sql): void {
    if (this.#sql !== sql) return;
    this.#sql = undefined;
    this.#losses += 1;
    // Nobody waits for a connection that is lost, and ending it cannot fail.
    void sql.end({ timeout: 0 });
  }
}

/** Class 08 and 57P are about the connection: the server is starting, stopping, or has cut it. */
function isAnswer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && !/^(08|57P)/.test(error.code);
}
