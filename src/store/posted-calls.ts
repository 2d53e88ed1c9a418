/** Calls that were posted, each with what has been posted since to correct it. */

import { sql } from "kysely";
import type { CallFilter, PostedCall, UnpricedCalls } from "../ledger/store.ts";
import { nanoUsd } from "../money/amount.ts";
import type { Database } from "./database.ts";
import { JSON_SQL } from "./json-sql.ts";
import { unpricedOf } from "./pricing-rows.ts";
import { postingOf, type PostingRow } from "./rows.ts";

/** Groups beyond this are of no use to whoever reads the list. */
const UNPRICED_GROUPS_MAX = 1000;

export async function postedCalls(
  database: Database,
  filter: CallFilter,
  page: { readonly after: bigint; readonly limit: number },
): Promise<readonly PostedCall[]> {
  const rows = await callRows(database, filter, page);
  if (rows.length === 0) return [];
  const related = await relatedRows(database, [...new Set(rows.map(callOf))]);
  const ofCall = Map.groupBy(related, callOf);
  return rows.map((row) => postedCall(row, ofCall.get(callOf(row)) ?? []));
}

/** A call that settled late has its usage in the correction of what had been posted for it. */
function callRows(
  { query }: Database,
  { from, to, customer, unpricedOnly }: CallFilter,
  { after, limit }: { readonly after: bigint; readonly limit: number },
): Promise<PostingRow[]> {
  let rows = query
    .selectFrom("postings")
    .selectAll()
    .where("seq", ">", after)
    .where("at", ">=", BigInt(from))
    .where("at", "<", BigInt(to))
    .where("kind", "in", ["settled", "adjusted"])
    .where((where) => where.or([where("kind", "=", "settled"), where("usage", "<>", "{}")]));
  if (customer !== null) rows = rows.where("customer", "=", customer);
  if (unpricedOnly) rows = rows.where("unpriced", "is not", null);
  return rows.orderBy("seq").limit(limit).execute();
}

type Related = Pick<PostingRow, "id" | "corrects" | "cost" | "charge" | "unpriced" | "usage">;

/** Everything that is posted for these calls, in order. */
async function relatedRows({ query }: Database, calls: readonly string[]): Promise<Related[]> {
  return query
    .selectFrom("postings")
    .select(["id", "corrects", "cost", "charge", "unpriced", "usage"])
    .where((where) => where.or([where("id", "in", calls), where("corrects", "in", calls)]))
    .orderBy("seq")
    .execute();
}

function callOf({ id, corrects }: Pick<PostingRow, "id" | "corrects">): string {
  return corrects ?? id;
}

function postedCall(row: PostingRow, related: readonly Related[]): PostedCall {
  const repricings = related.filter(({ corrects, usage }) => corrects !== null && usage === "{}");
  const last = repricings.at(-1) ?? row;
  return {
    seq: row.seq,
    posting: postingOf(row),
    cost: nanoUsd(related.reduce((total, { cost }) => total + cost, 0n)),
    charge: nanoUsd(related.reduce((total, { charge }) => total + charge, 0n)),
    unpriced: unpricedOf(last.unpriced),
    repricings: repricings.length,
  };
}

interface GroupRow {
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly unpriced: string;
  readonly calls: bigint;
  readonly first_at: bigint;
  readonly last_at: bigint;
}

export async function unpricedCalls({
  flavour,
  query,
}: Database): Promise<readonly UnpricedCalls[]> {
  const { text } = JSON_SQL[flavour];
  const [model, provider, deployment] = ["model", "provider", "deployment"].map((member) =>
    text("p.facts", member),
  );
  // A correction that repriced the call has no usage of its own.
  const { rows } = await sql
    .raw<GroupRow>(
      `select ${model ?? ""} as model, ${provider ?? ""} as provider,
        ${deployment ?? ""} as deployment, p.unpriced as unpriced, count(*) as calls,
        min(p.at) as first_at, max(p.at) as last_at
      from postings p
      where p.unpriced is not null and p.usage <> '{}' and not exists (
        select 1 from postings c where c.corrects = coalesce(p.corrects, p.id)
        and c.unpriced is null and c.usage = '{}')
      group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit ${String(UNPRICED_GROUPS_MAX)}`,
    )
    .execute(query);
  return rows.map((row) => ({
    model: row.model,
    provider: row.provider,
    deployment: row.deployment,
    parts: unpricedOf(row.unpriced),
    calls: row.calls,
    firstAt: Number(row.first_at),
    lastAt: Number(row.last_at),
  }));
}
