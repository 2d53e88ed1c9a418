/** Recomputes every total from the rows that it summarises. The database does the adding, so memory stays flat. */

import { sql } from "kysely";
import type { AuditReport, Drift } from "../ledger/store.ts";
import type { Database } from "./database.ts";
import { JSON_SQL, type JsonSql } from "./json-sql.ts";

/** A drift, or with nothing stored a plain figure of the report. */
interface TotalRow extends Omit<Drift, "stored"> {
  readonly stored: bigint | null;
}

/** One statement, because one statement sees one state of the books however long it runs. */
export async function audit({ flavour, query }: Database): Promise<AuditReport> {
  const { rows } = await sql.raw<TotalRow>(auditText(JSON_SQL[flavour])).execute(query);
  const figure = (total: string): bigint =>
    rows.find((row) => row.total === total)?.recomputed ?? 0n;
  return {
    postings: figure("postings"),
    charged: figure("charged"),
    openHolds: figure("open holds"),
    counters: figure("counters"),
    drifts: rows.filter((row): row is Drift => row.stored !== null),
  };
}

/** Stored totals and what they are made of are added up side by side, so a row that lacks either half is a drift. */
function auditText(json: JsonSql): string {
  return `
    with counter_sums as materialized (${counterSums(json)}),
    rollup_sums as materialized (${rollupSums(json)})
    ${figure("postings", "count(*)", "postings")}
    union all ${figure("charged", "coalesce(sum(charge), 0)", "postings")}
    union all ${figure("open holds", "count(*)", "holds")}
    union all ${figure("counters", "count(*)", "counters")}
    union all ${drift("counter", "used", "counter_sums")}
    union all ${drift("counter", "held", "counter_sums")}
    union all ${drift("rollup", "calls", "rollup_sums")}
    union all ${drift("rollup", "failures", "rollup_sums")}
    union all ${drift("rollup", "cost", "rollup_sums")}
    union all ${drift("rollup", "charge", "rollup_sums")}`;
}

function counterSums(json: JsonSql): string {
  const key = ["scope", "scope_id", "meter", "model", "window_start", "window_end"];
  const integer = (member: string): string => `cast(${json.text("value", member)} as bigint)`;
  const names = ["scope", "scopeId", "meter", "model"].map((name) => json.text("value", name));
  const counter = [...names, integer("start"), integer("end")].join(", ");
  const amount = integer("amount");
  return `
    select ${nameOf(key)} as name, ${sums(["used", "held"])}
    from (
      select ${key.join(", ")}, used, 0 as used_again, held, 0 as held_again from counters
      union all select ${counter}, 0, ${amount}, 0, 0
      from postings, ${json.elements("moves")} as move
      union all select ${counter}, 0, 0, 0, ${amount}
      from holds, ${json.elements("moves")} as move
    ) as moved
    group by ${key.join(", ")} having ${differ(["used", "held"])}`;
}

function rollupSums(json: JsonSql): string {
  const key = ["hour", "customer", "key_hash", "model", "provider", "route"];
  const facts = ["model", "provider", "route"].map((name) => json.text("facts", name)).join(", ");
  const totals = ["calls", "failures", "cost", "charge"];
  return `
    select ${nameOf(key)} as name, ${sums(totals)}
    from (
      select ${key.join(", ")}, calls, 0 as calls_again, failures, 0 as failures_again,
        cost, 0 as cost_again, charge, 0 as charge_again from rollups
      union all select at - at % 3600000, coalesce(customer, ''), key_hash,
        ${facts},
        0, case when kind in ('adjusted', 'reset') then 0 else 1 end,
        0, case when kind in ('adjusted', 'reset', 'settled') then 0 else 1 end, 0, cost, 0, charge
      from postings
    ) as summed
    group by ${key.join(", ")} having ${differ(totals)}`;
}

function figure(total: string, sum: string, table: string): string {
  return `select '${total}' as total, '' as name, cast(null as bigint) as stored,
    cast(${sum} as bigint) as recomputed from ${table}`;
}

function drift(kind: string, total: string, table: string): string {
  return `select '${kind} ${total}', name, ${total}, ${total}_again from ${table}
    where ${total} <> ${total}_again`;
}

function sums(totals: readonly string[]): string {
  const columns = totals.flatMap((total) => [total, `${total}_again`]);
  return columns.map((column) => `cast(sum(${column}) as bigint) as ${column}`).join(", ");
}

function differ(totals: readonly string[]): string {
  return totals.map((total) => `sum(${total}) <> sum(${total}_again)`).join(" or ");
}

function nameOf(key: readonly string[]): string {
  return key.join(" || ' ' || ");
}
