/** How the ledger's changes become rows: one line per column, and the same text of SQL for both databases. */

import type { Budget, Counter, Customer, Hold, Key, Posting, RollupDelta } from "../ledger/book.ts";
import type { LedgerEvent } from "../ledger/event.ts";
import { isCountedUnit, USAGE_PARTS, type UsagePart } from "../money/usage.ts";
import { limitsText, ruleValue } from "./account-rows.ts";
import { columnOf, jsonMarkup, jsonPricing, jsonRates, unpricedText } from "./pricing-rows.ts";
import { factsText, movesText, type SqlValue } from "./rows.ts";

/** PostgreSQL's names; SQLite's migration says INTEGER for both of the latter. */
type ColumnType = "text" | "bigint" | "boolean";

interface Column<Item> {
  readonly name: string;
  readonly type: ColumnType;
  readonly valueOf: (item: Item) => SqlValue;
}

export interface Table<Item> {
  readonly name: string;
  readonly columns: readonly Column<Item>[];
  /** The columns that identify a row. */
  readonly key: readonly string[];
  /** What becomes of a row that exists: two rows of one key are a failure unless this says otherwise. */
  readonly onConflict: "fail" | "replace" | "add" | "ignore";
}

export const CUSTOMERS: Table<Customer> = {
  name: "customers",
  columns: [
    text("id", (customer) => customer.id),
    text("alias", (customer) => customer.alias),
    flag("blocked", (customer) => customer.blocked),
    text("budget_id", (customer) => customer.budgetId),
    text("models", (customer) => JSON.stringify(customer.models)),
    text("allowed_region", (customer) => customer.allowedRegion),
    text("default_model", (customer) => customer.defaultModel),
    text("markup", (customer) => columnOf(customer.markup, jsonMarkup)),
    integer("created_at", (customer) => customer.createdAt),
    text("revision", (customer) => customer.revision),
  ],
  key: ["id"],
  onConflict: "replace",
};

export const BUDGETS: Table<Budget> = {
  name: "budgets",
  columns: [
    text("id", (budget) => budget.id),
    text("period", ({ period }) => (period === null ? null : JSON.stringify(period))),
    text("limits", (budget) => limitsText(budget.limits)),
    text("thresholds", ({ thresholds }) => thresholds && JSON.stringify(thresholds)),
    text("enforcement", (budget) => budget.enforcement),
    text("markup", (budget) => columnOf(budget.markup, jsonMarkup)),
    text("owner_scope", (budget) => budget.owner?.scope ?? null),
    text("owner_id", (budget) => budget.owner?.id ?? null),
    integer("created_at", (budget) => budget.createdAt),
    integer("updated_at", (budget) => budget.updatedAt),
    text("revision", (budget) => budget.revision),
  ],
  key: ["id"],
  onConflict: "replace",
};

export const API_KEYS: Table<Key> = {
  name: "keys",
  columns: [
    text("hash", (key) => key.hash),
    text("secret_hash", (key) => key.secretHash),
    text("name", (key) => key.name),
    text("alias", (key) => key.alias),
    text("role", (key) => key.role),
    text("customer_mode", (key) => key.rule.mode),
    text("customer_value", (key) => ruleValue(key.rule)),
    flag("blocked", (key) => key.blocked),
    integer("expires_at", (key) => key.expiresAt),
    text("models", (key) => JSON.stringify(key.models)),
    text("budget_id", (key) => key.budgetId),
    text("customer_budget_id", (key) => key.customerBudgetId),
    text("team_id", (key) => key.teamId),
    text("user_id", (key) => key.userId),
    text("metadata", (key) => key.metadata),
    integer("created_at", (key) => key.createdAt),
    integer("updated_at", (key) => key.updatedAt),
    text("revision", (key) => key.revision),
  ],
  key: ["hash"],
  onConflict: "replace",
};

export const COUNTERS: Table<Counter> = {
  name: "counters",
  columns: [
    text("scope", (counter) => counter.scope),
    text("scope_id", (counter) => counter.scopeId),
    text("meter", (counter) => counter.meter),
    text("model", (counter) => counter.model),
    integer("window_start", (counter) => counter.start),
    integer("window_end", (counter) => counter.end),
    integer("used", (counter) => counter.used),
    integer("held", (counter) => counter.held),
    integer("peak", (counter) => counter.peak),
    integer("told", (counter) => counter.told),
  ],
  key: ["scope", "scope_id", "meter", "model", "window_start", "window_end"],
  onConflict: "replace",
};

export const HOLDS: Table<Hold> = {
  name: "holds",
  columns: [
    text("id", (hold) => hold.id),
    integer("at", (hold) => hold.at),
    text("instance", (hold) => hold.instance),
    text("customer", (hold) => hold.customer),
    text("key_hash", (hold) => hold.keyHash),
    text("facts", (hold) => factsText(hold.facts)),
    integer("ceiling", (hold) => hold.ceiling),
    integer("input_ceiling", (hold) => hold.inputCeiling),
    integer("output_tokens", (hold) => hold.outputTokens),
    flag("priced", (hold) => hold.priced),
    flag("bounded", (hold) => hold.bounded),
    text("markup", (hold) => columnOf(hold.markup, jsonMarkup)),
    text("moves", (hold) => movesText(hold.moves)),
  ],
  key: ["id"],
  onConflict: "fail",
};

/** A hold that nobody has may not be there already; one that is locked may change. */
export const HOLDS_REPLACED: Table<Hold> = { ...HOLDS, onConflict: "replace" };

export const POSTINGS: Table<Posting> = {
  name: "postings",
  columns: [
    text("id", (posting) => posting.id),
    text("kind", (posting) => posting.kind),
    integer("at", (posting) => posting.at),
    text("customer", (posting) => posting.customer),
    text("key_hash", (posting) => posting.keyHash),
    text("facts", (posting) => factsText(posting.facts)),
    text("usage", (posting) => JSON.stringify(posting.usage)),
    text("source", (posting) => posting.source),
    integer("cost", (posting) => posting.cost),
    integer("charge", (posting) => posting.charge),
    text("markup", (posting) => columnOf(posting.markup, jsonMarkup)),
    text("rates", (posting) => columnOf(posting.rates, jsonRates)),
    text("pricing", (posting) => columnOf(posting.pricing, jsonPricing)),
    text("unpriced", (posting) => unpricedText(posting.unpriced)),
    text("corrects", (posting) => posting.corrects),
    text("note", (posting) => (posting.note === null ? null : storable(posting.note))),
    text("moves", (posting) => movesText(posting.moves)),
  ],
  key: ["id"],
  onConflict: "fail",
};

export const ROLLUPS: Table<RollupDelta> = {
  name: "rollups",
  columns: [
    integer("hour", (delta) => delta.hour),
    text("customer", (delta) => delta.customer),
    text("key_hash", (delta) => delta.keyHash),
    text("model", (delta) => delta.model),
    text("provider", (delta) => delta.provider),
    text("route", (delta) => delta.route),
    integer("calls", (delta) => delta.calls),
    integer("failures", (delta) => delta.failures),
    ...USAGE_PARTS.map(unitsOf),
    integer("cost", (delta) => delta.cost),
    integer("charge", (delta) => delta.charge),
  ],
  key: ["hour", "customer", "key_hash", "model", "provider", "route"],
  onConflict: "add",
};

export const EVENTS: Table<LedgerEvent> = {
  name: "events",
  columns: [
    text("id", (event) => event.id),
    text("type", (event) => event.type),
    integer("at", (event) => event.at),
    text("customer", (event) => event.customer),
    text("data", (event) => JSON.stringify(event.data)),
  ],
  key: ["id"],
  onConflict: "ignore",
};

/** `source` is where the rows come from: a `values` list or a `select`. */
export function insertText<Item>(table: Table<Item>, source: string): string {
  return `insert into ${table.name} (${namesOf(table).join(", ")}) ${source}${conflictText(table)}`;
}

export function valuesOf<Item>(table: Table<Item>, item: Item): SqlValue[] {
  return table.columns.map((column) => column.valueOf(item));
}

/** `cacheWrite5m` → `cache_write_5m_tokens`, `fileSearches` → `file_searches`. */
export function usageColumn(part: UsagePart): string {
  const name = part.replace(/[A-Z]|\d/g, (character) => `_${character.toLowerCase()}`);
  return isCountedUnit(part) ? name : `${name}_tokens`;
}

export function namesOf<Item>(table: Table<Item>): string[] {
  return table.columns.map(({ name }) => name);
}

function conflictText<Item>(table: Table<Item>): string {
  const { name, key, onConflict } = table;
  if (onConflict === "fail") return "";
  if (onConflict === "ignore") return ` on conflict (${key.join(", ")}) do nothing`;
  const others = namesOf(table).filter((column) => !key.includes(column));
  const before = (column: string): string => (onConflict === "add" ? `${name}.${column} + ` : "");
  const changes = others.map((column) => `${column} = ${before(column)}excluded.${column}`);
  return ` on conflict (${key.join(", ")}) do update set ${changes.join(", ")}`;
}

function text<Item>(name: string, valueOf: (item: Item) => string | null): Column<Item> {
  return { name, type: "text", valueOf };
}

function integer<Item>(
  name: string,
  valueOf: (item: Item) => number | bigint | null,
): Column<Item> {
  return { name, type: "bigint", valueOf };
}

function flag<Item>(name: string, valueOf: (item: Item) => boolean): Column<Item> {
  return { name, type: "boolean", valueOf: (item) => (valueOf(item) ? 1 : 0) };
}

function unitsOf(part: UsagePart): Column<RollupDelta> {
  return integer(usageColumn(part), (delta) => delta.usage[part] ?? 0);
}

/** A note may quote a provider, and one NUL in it would keep PostgreSQL from ever taking the posting. */
function storable(note: string): string {
  return note.replaceAll("\u0000", "\uFFFD");
}
