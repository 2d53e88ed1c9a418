/** What administrators ask of customers: many at once, page by page, and the windows that they have been in. */

import { sql } from "kysely";
import type { Counter, Customer } from "../ledger/book.ts";
import type { CustomerPage, CustomerReader } from "../ledger/store.ts";
import { budgetOf, customerOf, keyOf } from "./account-rows.ts";
import type { Database } from "./database.ts";
import { counterOf, postingOf } from "./rows.ts";

export function createCustomerReader(database: Database): CustomerReader {
  const { query } = database;
  return {
    async customers(ids) {
      if (ids.length === 0) return [];
      const rows = query.selectFrom("customers").selectAll().where("id", "in", ids);
      return (await rows.execute()).map(customerOf);
    },
    async budgets(ids) {
      if (ids.length === 0) return [];
      const rows = query.selectFrom("budgets").selectAll().where("id", "in", ids);
      return (await rows.execute()).map(budgetOf);
    },
    async keyOfAlias(alias) {
      const rows = query.selectFrom("keys").selectAll().where("alias", "=", alias);
      const row = await rows.orderBy("created_at").orderBy("hash").executeTakeFirst();
      return row === undefined ? undefined : keyOf(row);
    },
    async posting(id) {
      const rows = query.selectFrom("postings").selectAll().where("id", "=", id);
      const row = await rows.executeTakeFirst();
      return row === undefined ? undefined : postingOf(row);
    },
    customersAfter: (page) => customersAfter(database, page),
    budgetsOfKeys: (ids) => budgetsOfKeys(database, ids),
    currentCounters: (customer, at) => currentCounters(database, customer, at),
    pastWindows: (customer, at, limit) => pastWindows(database, { customer, at, limit }),
  };
}

async function customersAfter(
  { query }: Database,
  { after, search, limit }: CustomerPage,
): Promise<Customer[]> {
  let rows = query.selectFrom("customers").selectAll().orderBy("id").limit(limit);
  if (after !== null) rows = rows.where("id", ">", after);
  if (search !== null) {
    const pattern = `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    rows = rows.where((where) => where.or([isLike("id", pattern), isLike("alias", pattern)]));
  }
  return (await rows.execute()).map(customerOf);
}

/** Both databases fold the case of Latin letters; SQLite of no others. */
function isLike(column: "id" | "alias", pattern: string) {
  return sql<boolean>`lower(${sql.ref(column)}) like lower(${pattern}) escape '\\'`;
}

async function budgetsOfKeys({ query }: Database, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await query
    .selectFrom("keys")
    .select(["budget_id", "customer_budget_id"])
    .where((where) =>
      where.or([where("budget_id", "in", ids), where("customer_budget_id", "in", ids)]),
    )
    .execute();
  return rows.flatMap((row) => [row.budget_id ?? [], row.customer_budget_id ?? []].flat());
}

async function currentCounters(
  database: Database,
  customer: string,
  at: number,
): Promise<Counter[]> {
  const rows = movedCounters(database, customer).where("window_start", "<=", BigInt(at));
  return (await rows.where("window_end", ">", BigInt(at)).execute()).map(counterOf);
}

interface PastWindows {
  readonly customer: string;
  readonly at: number;
  readonly limit: number;
}

async function pastWindows(
  database: Database,
  { customer, at, limit }: PastWindows,
): Promise<Counter[]> {
  const rows = movedCounters(database, customer)
    .where("meter", "=", "usd")
    .where("window_end", "<=", BigInt(at))
    .orderBy("window_end", "desc")
    .orderBy("window_start", "desc")
    .orderBy("model");
  return (await rows.limit(limit).execute()).map(counterOf);
}

/** A window in which nothing was counted may or may not have a row, so none is shown. */
function movedCounters({ query }: Database, customer: string) {
  return query
    .selectFrom("counters")
    .selectAll()
    .where("scope", "=", "customer")
    .where("scope_id", "=", customer)
    .where((where) => where.or([where("used", "<>", 0n), where("held", "<>", 0n)]));
}
