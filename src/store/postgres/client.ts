/** Connections to PostgreSQL that fail promptly and come back by themselves. */

import postgres from "postgres";
import { LedgerUnavailable } from "../../ledger/store.ts";
import type { Row, SqlValue } from "../rows.ts";

/** A database in reach takes a connection within milliseconds; callers are refused rather than kept waiting. */
const CONNECT_TIMEOUT_MS = 2_000;

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

/** The driver, and whether it has reached the server yet. */
interface Session {
  readonly sql: postgres.Sql<{ bigint: bigint }>;
  reached: boolean;
}

export class Client {
  readonly #options: ClientOptions;
  #session: Session | undefined;
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
    const session = (this.#session ??= this.#open());
    const { deadlineMs } = this.#options;
    const late = (): void => this.#drop(session);
    const timer = deadlineMs === null ? undefined : setTimeout(late, deadlineMs);
    try {
      return await session.sql.unsafe(text, [...parameters], { prepare: true });
    } catch (error) {
      if (isAnswer(error)) throw error;
      this.#drop(session);
      // What was never connected cannot have carried anything.
      const inDoubt = session.reached;
      throw new LedgerUnavailable("PostgreSQL cannot be reached", { cause: error, inDoubt });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#session?.sql.end({ timeout: CLOSE_TIMEOUT_S });
  }

  #open(): Session {
    const { url, connections, settings } = this.#options;
    const sql = postgres(url, {
      max: connections,
      connect_timeout: CONNECT_TIMEOUT_MS / 1000,
      // The driver may end a connection that is old, but between two statements of a transaction too.
      max_lifetime: null,
      // The pause before a connection is opened anew. Callers have been refused by then and decide for themselves.
      backoff: false,
      fetch_types: false,
      types: { bigint: postgres.BigInt },
      connection: { application_name: "purser", ...settings },
      onnotice: () => undefined,
      onparameter: () => {
        session.reached = true;
      },
      onclose: () => {
        if (this.#session === session) this.#losses += 1;
      },
    });
    const session: Session = { sql, reached: false };
    this.#giveUpUnreached(session);
    return session;
  }

  /** A proxy without a server takes a connection and closes it; the driver would try that again and again. */
  #giveUpUnreached(session: Session): void {
    const giveUp = (): void => {
      if (!session.reached) this.#drop(session);
    };
    setTimeout(giveUp, CONNECT_TIMEOUT_MS).unref();
  }

  /**
   * Starts afresh after a lost connection. The driver would reconnect by itself, but it would send what it still had
   * in its queue, and that belongs to a transaction which is gone.
   */
  #drop(session: Session): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#losses += 1;
    // Nobody waits for a connection that is lost, and ending it cannot fail.
    void session.sql.end({ timeout: 0 });
  }
}

/** Class 08 and 57P are about the connection: the server is starting, stopping, or has cut it. */
function isAnswer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && !/^(08|57P)/.test(error.code);
}
