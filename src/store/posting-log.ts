/** The postings, in pages and in the order of their time; each question has an index that answers it. */

import { sql, type RawBuilder } from "kysely";
import type { NumberedPosting, PostingFilter, PostingQuestion } from "../ledger/spend.ts";
import type { Database, Flavour } from "./database.ts";
import { among, JSON_SQL } from "./json-sql.ts";
import { postingOf, type PostingRow } from "./rows.ts";
import { namesOf, POSTINGS } from "./tables.ts";

const COLUMNS = ["seq", ...namesOf(POSTINGS)].join(", ");

export async function postings(
  { flavour, query }: Database,
  { of, order, limit, offset = 0, after }: PostingQuestion,
): Promise<readonly NumberedPosting[]> {
  const [direction, beyond] = order === "oldest" ? ["asc", ">"] : ["desc", "<"];
  const place =
    after === undefined ? [] : [sql`(at, seq) ${sql.raw(beyond)} (${after.at}, ${after.seq})`];
  const { rows } = await sql<PostingRow & { readonly seq: bigint }>`
    select ${sql.raw(COLUMNS)} from postings
    where ${allOf([...conditions(flavour, of), ...place])}
    order by ${sql.raw(`at ${direction}, seq ${direction}`)} limit ${limit} offset ${offset}
  `.execute(query);
  return rows.map((row) => ({ ...postingOf(row), seq: row.seq }));
}

export async function countPostings(
  { flavour, query }: Database,
  filter: PostingFilter,
): Promise<number> {
  const { rows } = await sql<{ readonly count: bigint }>`
    select cast(count(*) as bigint) as count from postings
    where ${allOf(conditions(flavour, filter))}
  `.execute(query);
  return Number(rows[0]?.count ?? 0n);
}

function conditions(flavour: Flavour, filter: PostingFilter): RawBuilder<unknown>[] {
  const { window, id, customer, keyHashes, model, kinds, chargeMin, chargeMax } = filter;
  const named = sql.raw(JSON_SQL[flavour].text("facts", "model"));
  return [
    ...(window === undefined ? [] : [sql`at >= ${window.start} and at < ${window.end}`]),
    ...(id === undefined ? [] : [sql`id = ${id}`]),
    ...(customer === undefined ? [] : [sql`customer = ${customer}`]),
    ...(keyHashes === undefined ? [] : [keyIn(flavour, keyHashes)]),
    ...(model === undefined ? [] : [sql`${named} = ${model}`]),
    ...(kinds === undefined ? [] : [among(flavour, "kind", kinds)]),
    ...(chargeMin === undefined ? [] : [sql`charge >= ${chargeMin}`]),
    ...(chargeMax === undefined ? [] : [sql`charge <= ${chargeMax}`]),
  ];
}

/** Of one key the index has the postings in order; of several they would have to be sorted. */
function keyIn(flavour: Flavour, hashes: readonly string[]): RawBuilder<unknown> {
  const [only] = hashes;
  return only !== undefined && hashes.length === 1
    ? sql`key_hash = ${only}`
    : among(flavour, "key_hash", hashes);
}

function allOf(parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return parts.length === 0 ? sql`true` : sql.join([...parts], sql` and `);
}
