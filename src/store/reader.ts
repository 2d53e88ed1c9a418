/** Point reads of committed rows. */

import type { CounterKey } from "../ledger/book.ts";
import type { LedgerReader } from "../ledger/store.ts";
import { sql } from "kysely";
import { audit } from "./audit.ts";
import { listBudgets } from "./budget-list.ts";
import { createCustomerReader } from "./customer-reader.ts";
import type { Database } from "./database.ts";
import { budgetOf, customerOf, keyOf } from "./account-rows.ts";
import { keyCharges, keyPage } from "./key-list.ts";
import { postedCalls, unpricedCalls } from "./posted-calls.ts";
import { counterOf, holdOf, type CounterRow } from "./rows.ts";
import { createSpendReader } from "./spend-reader.ts";

/** SQLite nests an `or` once per term and stops at 1,000 levels. */
const COUNTERS_PER_QUERY_MAX = 100;

/** A reader with the connection it reads through. */
export interface OpenReader {
  readonly reader: LedgerReader;
  readonly close: () => Promise<void>;
}

/** An audit reads every posting and a report many; neither must keep the point reads waiting, nor one the other. */
export function createReader(
  database: Database,
  auditing: Database,
  reporting: Database,
): LedgerReader {
  const { query } = database;
  return {
    async customer(id) {
      const rows = query.selectFrom("customers").selectAll().where("id", "=", id);
      return optional(await rows.executeTakeFirst(), customerOf);
    },
    async budget(id) {
      const rows = query.selectFrom("budgets").selectAll().where("id", "=", id);
      return optional(await rows.executeTakeFirst(), budgetOf);
    },
    async key(hash) {
      const rows = query.selectFrom("keys").selectAll().where("hash", "=", hash);
      return optional(await rows.executeTakeFirst(), keyOf);
    },
    async keyBySecret(secretHash) {
      const rows = query.selectFrom("keys").selectAll().where("secret_hash", "=", secretHash);
      return optional(await rows.executeTakeFirst(), keyOf);
    },
    keys: (wanted) => keyPage(database, wanted),
    keyCharges: (hashes) => keyCharges(database, hashes),
    async counters(keys) {
      const chunks = chunksOf(keys, COUNTERS_PER_QUERY_MAX);
      const rows = await Promise.all(chunks.map((chunk) => counterRows(database, chunk)));
      return rows.flat().map(counterOf);
    },
    async openHolds() {
      return (await query.selectFrom("holds").selectAll().orderBy("id").execute()).map(holdOf);
    },
    calls: (filter, after, limit) => postedCalls(auditing, filter, { after, limit }),
    unpriced: () => unpricedCalls(auditing),
    audit: () => audit(auditing),
    budgetList: (ids) => listBudgets(database, ids),
    async ping() {
      await sql`select 1`.execute(query);
    },
    ...createCustomerReader(database),
    spend: createSpendReader(reporting),
  };
}

function counterRows({ query }: Database, keys: readonly CounterKey[]): Promise<CounterRow[]> {
  return query
    .selectFrom("counters")
    .selectAll()
    .where((where) => where.or(keys.map((key) => where.and(columnsOf(key)))))
    .execute();
}

function columnsOf(key: CounterKey): Omit<CounterRow, "used" | "held" | "peak" | "told"> {
  const { scope, scopeId, meter, model, start, end } = key;
  const window = { window_start: BigInt(start), window_end: BigInt(end) };
  return { scope, scope_id: scopeId, meter, model, ...window };
}

function optional<R, T>(row: R | undefined, decode: (row: R) => T): T | undefined {
  return row === undefined ? undefined : decode(row);
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}
