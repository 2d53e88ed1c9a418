/** Keys by the page, and what they were charged. */

import { sql, type ExpressionBuilder, type ExpressionWrapper, type SqlBool } from "kysely";
import type { KeyPage, KeysWanted } from "../ledger/store.ts";
import { nanoUsd, type NanoUsd } from "../money/amount.ts";
import { keyOf } from "./account-rows.ts";
import type { Database, Schema } from "./database.ts";

type Where = ExpressionBuilder<Schema, "keys">;

export async function keyPage({ query }: Database, wanted: KeysWanted): Promise<KeyPage> {
  const asked = query.selectFrom("keys").where((where) => isWanted(where, wanted));
  const [rows, counted] = await Promise.all([
    asked
      .selectAll()
      .orderBy("created_at", "desc")
      .orderBy("hash")
      .limit(wanted.limit)
      .offset(wanted.offset)
      .execute(),
    asked.select(({ fn }) => fn.countAll<bigint>().as("total")).executeTakeFirstOrThrow(),
  ]);
  return { keys: rows.map(keyOf), total: Number(counted.total) };
}

export async function keyCharges(
  { query }: Database,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, NanoUsd>> {
  if (hashes.length === 0) return new Map();
  const { rows } = await sql<{ readonly key_hash: string; readonly charge: bigint }>`
    select key_hash, cast(sum(charge) as bigint) as charge from rollups
    where key_hash in (${sql.join(hashes)}) group by key_hash`.execute(query);
  return new Map(rows.map(({ key_hash, charge }) => [key_hash, nanoUsd(charge)]));
}

function isWanted(
  where: Where,
  { alias, teamId, userId }: KeysWanted,
): ExpressionWrapper<Schema, "keys", SqlBool> {
  const filters = { alias, team_id: teamId, user_id: userId };
  const set = Object.entries(filters).filter(([, value]) => value !== null);
  return where.and(Object.fromEntries(set));
}
