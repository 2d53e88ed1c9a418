/** Kysely over either database: one text of query, compiled for each, run by a function. */

import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type QueryResult,
} from "kysely";
import type { BudgetRow, CustomerRow, KeyRow } from "./account-rows.ts";
import type {
  DeliveryRow,
  EndpointRow,
  LeaseRow,
  ReaderRow,
  RejectionRow,
} from "./delivery-rows.ts";
import type {
  AnswerRow,
  CounterRow,
  EventRow,
  HoldRow,
  InstanceRow,
  PostingRow,
  Row,
  SqlValue,
} from "./rows.ts";

export interface Schema {
  readonly customers: CustomerRow;
  readonly budgets: BudgetRow;
  readonly keys: KeyRow;
  readonly counters: CounterRow;
  readonly holds: HoldRow;
  readonly postings: PostingRow;
  readonly events: EventRow;
  readonly endpoints: EndpointRow;
  readonly deliveries: DeliveryRow;
  readonly readers: ReaderRow;
  readonly leases: LeaseRow;
  readonly export_rejections: RejectionRow;
  readonly answers: AnswerRow;
  readonly instances: InstanceRow;
}

export type Flavour = "sqlite" | "postgres";

/** Runs one statement by itself. Rejects with `LedgerUnavailable`. */
export type Run = (text: string, parameters: readonly SqlValue[]) => Promise<readonly Row[]>;

export interface Database {
  readonly flavour: Flavour;
  readonly query: Kysely<Schema>;
}

export function createDatabase(flavour: Flavour, run: Run): Database {
  return { flavour, query: new Kysely<Schema>({ dialect: dialectOf(flavour, run) }) };
}

function dialectOf(flavour: Flavour, run: Run): Dialect {
  const createDriver = (): StatementDriver => new StatementDriver(run);
  return flavour === "sqlite"
    ? {
        createDriver,
        createAdapter: () => new SqliteAdapter(),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      }
    : {
        createDriver,
        createAdapter: () => new PostgresAdapter(),
        createQueryCompiler: () => new PostgresQueryCompiler(),
        createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      };
}

class StatementDriver extends DummyDriver {
  readonly #connection: DatabaseConnection;

  constructor(run: Run) {
    super();
    this.#connection = {
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        return { rows: (await run(sql, parameters as SqlValue[])) as R[] };
      },
      streamQuery: () => {
        throw new Error("a statement is read whole");
      },
    };
  }

  override acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  /** Two statements may run on two connections, so a transaction would be one in name only. */
  override beginTransaction(): Promise<void> {
    return Promise.reject(new Error("only commands are applied in transactions"));
  }
}
