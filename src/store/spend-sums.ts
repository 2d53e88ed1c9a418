/** Sums of what was posted: whole hours from the summary, and what is left at the ends of a span from the postings. */

import { sql, type RawBuilder } from "kysely";
import type { Dimension, Span, SumFilter, SumLine, SumPage, SumQuestion } from "../ledger/spend.ts";
import { nanoUsd } from "../money/amount.ts";
import { USAGE_PARTS } from "../money/usage.ts";
import type { Database, Flavour } from "./database.ts";
import { among, given, JSON_SQL } from "./json-sql.ts";
import { usageColumn } from "./tables.ts";

const HOUR_MS = 3_600_000;

const COLUMNS: Readonly<Record<Dimension, string>> = {
  customer: "customer",
  keyHash: "key_hash",
  model: "model",
  provider: "provider",
  route: "route",
};
const DIMENSIONS = Object.keys(COLUMNS) as readonly Dimension[];

const COUNTED = ["calls", "failures", ...USAGE_PARTS.map(usageColumn), "charge"] as const;

type SumRow = Readonly<Record<string, bigint>> &
  Readonly<Record<"span" | "customer" | "key_hash" | "model" | "provider" | "route", string>>;

export async function sums({ flavour, query }: Database, question: SumQuestion): Promise<SumPage> {
  const { by, order, limit, offset = 0, after } = question;
  const key = ["span", ...by.map((dimension) => COLUMNS[dimension])].join(", ");
  const place = by.map((dimension) => COLUMNS[dimension]).join(", ");
  const later = after === undefined ? sql`true` : sql`(${sql.raw(place)}) > (${sql.join(after)})`;
  const named = ["span desc", ...by.map((dimension) => COLUMNS[dimension])];
  const first = order === "dearest" ? ["charge desc", ...named] : named;
  const statement = sql<SumRow>`
    select *, cast(count(*) over () as bigint) as total
    from (
      select ${sql.raw(["span", ...DIMENSIONS.map((name) => shown(name, by)), ...ADDED].join(", "))}
      from (${postedLines(flavour, question)}) as posted
      where ${later} and ${modelIs(question.of)}
      group by ${sql.raw(key)}
    ) as lines
    order by ${sql.raw(first.join(", "))} limit ${limit} offset ${offset}`;
  const { rows } = await statement.execute(query);
  return { lines: rows.map(lineOf), total: Number(rows[0]?.["total"] ?? 0n) };
}

const ADDED = COUNTED.map((column) => `cast(sum(${column}) as bigint) as ${column}`);

function shown(dimension: Dimension, by: readonly Dimension[]): string {
  return by.includes(dimension) ? COLUMNS[dimension] : `'' as ${COLUMNS[dimension]}`;
}

function postedLines(flavour: Flavour, { spans, of }: SumQuestion): RawBuilder<unknown> {
  const hours = spans.map(wholeHours).filter(isNotEmpty);
  const ends = spans.flatMap(oddEnds).filter(isNotEmpty);
  const ofHours = hourLines(flavour, hours, of);
  return ends.length === 0 ? ofHours : sql`${ofHours} union all ${endLines(flavour, ends, of)}`;
}

/** The spans stand first in a join whose order is kept, so that each is one stretch of an index. */
function hourLines(
  flavour: Flavour,
  spans: readonly Span[],
  filter: SumFilter,
): RawBuilder<unknown> {
  const columns = [...DIMENSIONS.map((dimension) => COLUMNS[dimension]), ...COUNTED];
  const accounts = accountsIn(flavour, filter, "customer <> ''");
  return sql`
    select span, ${sql.raw(columns.join(", "))}
    from (${spanTable(flavour, spans)}) as spans cross join rollups
    where ${within("hour", spans)} and ${accounts}`;
}

function endLines(
  flavour: Flavour,
  spans: readonly Span[],
  filter: SumFilter,
): RawBuilder<unknown> {
  const { text } = JSON_SQL[flavour];
  const facts = ["model", "provider", "route"].map((name) => text("facts", name));
  const parts = USAGE_PARTS.map(
    (part) => `coalesce(cast(${text("usage", part)} as bigint), 0) as ${usageColumn(part)}`,
  );
  const columns = ["coalesce(customer, '')", "key_hash", ...facts, CALLS, FAILURES, ...parts];
  const accounts = accountsIn(flavour, filter, "customer is not null");
  return sql`
    select span, ${sql.raw([...columns, "charge"].join(", "))}
    from (${spanTable(flavour, spans)}) as spans cross join postings
    where ${within("at", spans)} and ${accounts}`;
}

/** As the summary counts: a correction changes what calls cost, not how many there were. */
const CALLS = "case when kind in ('adjusted', 'reset') then 0 else 1 end";
const FAILURES = "case when kind in ('adjusted', 'reset', 'settled') then 0 else 1 end";

function spanTable(flavour: Flavour, spans: readonly Span[]): RawBuilder<unknown> {
  const { text } = JSON_SQL[flavour];
  const columns = [
    `${text("value", "name")} as span`,
    `cast(${text("value", "start")} as bigint) as span_start`,
    `cast(${text("value", "end")} as bigint) as span_end`,
  ];
  return sql`select ${sql.raw(columns.join(", "))} from ${given(flavour, spans)}`;
}

/** Each row's own span, and the outer bounds of all, by which rows are found where the plan begins with accounts. */
function within(column: string, spans: readonly Span[]): RawBuilder<unknown> {
  const [name, own] = [
    sql.raw(column),
    sql.raw(`${column} >= span_start and ${column} < span_end`),
  ];
  if (spans.length === 0) return own;
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.end));
  return sql`${own} and ${name} >= ${start} and ${name} < ${end}`;
}

function accountsIn(
  flavour: Flavour,
  { customers, customersNot, withCustomer, keyHashes }: SumFilter,
  hasCustomer: string,
): RawBuilder<unknown> {
  const conditions = [
    ...(customers === undefined ? [] : [among(flavour, "customer", customers)]),
    ...(customersNot === undefined ? [] : [sql`not (${among(flavour, "customer", customersNot)})`]),
    ...(keyHashes === undefined ? [] : [among(flavour, "key_hash", keyHashes)]),
    ...(withCustomer === true ? [sql.raw(hasCustomer)] : []),
  ];
  return sql.join([sql`true`, ...conditions], sql` and `);
}

function modelIs({ model }: SumFilter): RawBuilder<unknown> {
  return model === undefined ? sql`true` : sql`model = ${model}`;
}

function wholeHours({ name, start, end }: Span): Span {
  return { name, start: hourFrom(start), end: Math.floor(end / HOUR_MS) * HOUR_MS };
}

/** A zone may be half an hour off, and so are the ends of its days. */
function oddEnds(span: Span): Span[] {
  const { start, end } = wholeHours(span);
  if (start >= end) return [span];
  return [
    { ...span, end: start },
    { ...span, start: end },
  ];
}

function hourFrom(ms: number): number {
  return Math.ceil(ms / HOUR_MS) * HOUR_MS;
}

function isNotEmpty({ start, end }: Span): boolean {
  return start < end;
}

function lineOf(row: SumRow): SumLine {
  const { span, customer, key_hash: keyHash, model, provider, route } = row;
  const usage = USAGE_PARTS.map((part) => [part, count(row, usageColumn(part))] as const);
  return {
    span,
    customer,
    keyHash,
    model,
    provider,
    route,
    calls: count(row, "calls"),
    failures: count(row, "failures"),
    usage: Object.fromEntries(usage.filter(([, units]) => units !== 0)),
    charge: nanoUsd(row["charge"] ?? 0n),
  };
}

function count(row: SumRow, column: string): number {
  return Number(row[column] ?? 0n);
}
