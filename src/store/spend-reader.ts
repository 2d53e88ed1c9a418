/** Reads for reports: sums, postings, and whose the ids in them are. */

import { sql } from "kysely";
import type { SpendReader } from "../ledger/spend.ts";
import type { Database } from "./database.ts";
import { among } from "./json-sql.ts";
import { countPostings, postings } from "./posting-log.ts";
import { sums } from "./spend-sums.ts";

export function createSpendReader(database: Database): SpendReader {
  const { flavour, query } = database;
  return {
    sums: (question) => sums(database, question),
    postings: (question) => postings(database, question),
    countPostings: (filter) => countPostings(database, filter),
    customersServed: (after, limit) => customersServed(database, after, limit),
    async keyOwners(hashes) {
      const rows = await query
        .selectFrom("keys")
        .select(["hash", "name", "alias", "user_id as userId", "team_id as teamId"])
        .where(sql<boolean>`${among(flavour, "hash", hashes)}`)
        .execute();
      return rows;
    },
    async keysOfUser(userId) {
      const rows = query.selectFrom("keys").select("hash").where("user_id", "=", userId);
      return (await rows.orderBy("hash").execute()).map(({ hash }) => hash);
    },
    async customerAliases(ids) {
      const rows = await query
        .selectFrom("customers")
        .select(["id", "alias"])
        .where(sql<boolean>`${among(flavour, "id", ids)}`)
        .execute();
      return new Map(rows.map(({ id, alias }) => [id, alias]));
    },
  };
}

/** From one id to the next in the index: a customer of a million calls takes no longer than one of a single call. */
async function customersServed(
  { query }: Database,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly customer: string }>`
    with recursive served (customer, number) as (
      select min(customer), 1 from rollups where customer > ${after}
      union all
      select (select min(customer) from rollups where customer > served.customer), number + 1
      from served where customer is not null and number < ${limit}
    )
    select customer from served where customer is not null
  `.execute(query);
  return rows.map(({ customer }) => customer);
}
