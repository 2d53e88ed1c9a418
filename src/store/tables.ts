/** How the ledger's changes become rows: one line per column, and the same text of SQL for both databases. */

import type {
  Budget,
  Counter,
  Customer,
  Hold,
  OutboxEvent,
  Posting,
  RollupDelta,
} from "../ledger/book.ts";
import { USAGE_PARTS, type UsagePart } from "../money/usage.ts";
import { jsonText, type SqlValue } from "./rows.ts";

/** PostgreSQL's names; SQLite's migration says INTEGER for both of the latter. */
type ColumnType = "text" | "bigint" | "boolean";

interface Column<Item> {
  readonly type: ColumnType;
  readonly valueOf: (item: Item) => SqlValue;
}

export interface Table<Item> {
  readonly name: string;
  readonly columns: Readonly<Record<string, Column<Item>>>;
  /** The columns that identify a row. */
  readonly key: readonly string[];
  /** What becomes of a row that exists: two rows of one key are a failure unless this says otherwise. */
  readonly onConflict: "fail" | "replace" | "add";
}

export const CUSTOMERS: Table<Customer> = {
  name: "customers",
  columns: {
    id: text((customer) => customer.id),
    alias: text((customer) => customer.alias),
    blocked: flag((customer) => customer.blocked),
    budget_id: text((customer) => customer.budgetId),
    created_at: integer((customer) => customer.createdAt),
    created_by: text((customer) => customer.createdBy),
  },
  key: ["id"],
  onConflict: "replace",
};

export const BUDGETS: Table<Budget> = {
  name: "budgets",
  columns: {
    id: text((budget) => budget.id),
    limits: text((budget) => jsonText(budget.limits)),
    enforcement: text((budget) => budget.enforcement),
    created_at: integer((budget) => budget.createdAt),
  },
  key: ["id"],
  onConflict: "replace",
};

export const COUNTERS: Table<Counter> = {
  name: "counters",
  columns: {
    scope: text((counter) => counter.scope),
    scope_id: text((counter) => counter.scopeId),
    meter: text((counter) => counter.meter),
    model: text((counter) => counter.model),
    window_start: integer((counter) => counter.start),
    window_end: integer((counter) => counter.end),
    used: integer((counter) => counter.used),
    held: integer((counter) => counter.held),
  },
  key: ["scope", "scope_id", "meter", "model", "window_start", "window_end"],
  onConflict: "replace",
};

export const HOLDS: Table<Hold> = {
  name: "holds",
  columns: {
    id: text((hold) => hold.id),
    at: integer((hold) => hold.at),
    instance: text((hold) => hold.instance),
    customer: text((hold) => hold.customer),
    key_hash: text((hold) => hold.keyHash),
    facts: text((hold) => JSON.stringify(hold.facts)),
    ceiling: integer((hold) => hold.ceiling),
    input_ceiling: integer((hold) => hold.inputCeiling),
    output_tokens: integer((hold) => hold.outputTokens),
    priced: flag((hold) => hold.priced),
    bounded: flag((hold) => hold.bounded),
    moves: text((hold) => jsonText(hold.moves)),
  },
  key: ["id"],
  onConflict: "fail",
};

export const POSTINGS: Table<Posting> = {
  name: "postings",
  columns: {
    id: text((posting) => posting.id),
    kind: text((posting) => posting.kind),
    at: integer((posting) => posting.at),
    customer: text((posting) => posting.customer),
    key_hash: text((posting) => posting.keyHash),
    facts: text((posting) => JSON.stringify(posting.facts)),
    usage: text((posting) => JSON.stringify(posting.usage)),
    source: text((posting) => posting.source),
    cost: integer((posting) => posting.cost),
    charge: integer((posting) => posting.charge),
    rates: text((posting) => (posting.rates === null ? null : jsonText(posting.rates))),
    note: text((posting) => (posting.note === null ? null : storable(posting.note))),
    moves: text((posting) => jsonText(posting.moves)),
  },
  key: ["id"],
  onConflict: "fail",
};

export const ROLLUPS: Table<RollupDelta> = {
  name: "rollups",
  columns: {
    hour: integer((delta) => delta.hour),
    customer: text((delta) => delta.customer),
    key_hash: text((delta) => delta.keyHash),
    model: text((delta) => delta.model),
    provider: text((delta) => delta.provider),
    route: text((delta) => delta.route),
    calls: integer((delta) => delta.calls),
    failures: integer((delta) => delta.failures),
    ...Object.fromEntries(USAGE_PARTS.map((part) => [usageColumn(part), tokensOf(part)])),
    cost: integer((delta) => delta.cost),
    charge: integer((delta) => delta.charge),
  },
  key: ["hour", "customer", "key_hash", "model", "provider", "route"],
  onConflict: "add",
};

export const OUTBOX: Table<OutboxEvent> = {
  name: "outbox",
  columns: {
    id: text((event) => event.id),
    type: text((event) => event.type),
    at: integer((event) => event.at),
    customer: text((event) => event.customer),
    data: text((event) => JSON.stringify(event.data)),
    due_at: integer((event) => event.at),
  },
  key: ["id"],
  onConflict: "fail",
};

/** `source` is where the rows come from: a `values` list or a `select`. */
export function insertText<Item>(table: Table<Item>, source: string): string {
  const columns = Object.keys(table.columns).join(", ");
  return `insert into ${table.name} (${columns}) ${source}${conflictText(table)}`;
}

export function valuesOf<Item>(table: Table<Item>, item: Item): SqlValue[] {
  return Object.values(table.columns).map((column) => column.valueOf(item));
}

/** `cacheWrite5m` → `cache_write_5m_tokens`. */
export function usageColumn(part: UsagePart): string {
  return `${part.replace(/[A-Z]|\d/g, (character) => `_${character.toLowerCase()}`)}_tokens`;
}

function conflictText<Item>({ name, columns, key, onConflict }: Table<Item>): string {
  if (onConflict === "fail") return "";
  const others = Object.keys(columns).filter((column) => !key.includes(column));
  const before = (column: string): string => (onConflict === "add" ? `${name}.${column} + ` : "");
  const changes = others.map((column) => `${column} = ${before(column)}excluded.${column}`);
  return ` on conflict (${key.join(", ")}) do update set ${changes.join(", ")}`;
}

function text<Item>(valueOf: (item: Item) => string | null): Column<Item> {
  return { type: "text", valueOf };
}

function integer<Item>(valueOf: (item: Item) => number | bigint | null): Column<Item> {
  return { type: "bigint", valueOf };
}

function flag<Item>(valueOf: (item: Item) => boolean): Column<Item> {
  return { type: "boolean", valueOf: (item) => (valueOf(item) ? 1 : 0) };
}

function tokensOf(part: UsagePart): Column<RollupDelta> {
  return integer((delta) => delta.usage[part] ?? 0);
}

/** A note may quote a provider, and one NUL in it would keep PostgreSQL from ever taking the posting. */
function storable(note: string): string {
  return note.replaceAll("\u0000", "\uFFFD");
}
