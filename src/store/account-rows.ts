/** Customers, budgets and keys as rows of either database, and what the ledger makes of them. */

import type {
  Budget,
  Customer,
  CustomerRule,
  Enforcement,
  Key,
  KeyRole,
  Limit,
  Owner,
  Region,
} from "../ledger/book.ts";
import type { Period } from "../money/window.ts";
import { markupOf, readColumn } from "./pricing-rows.ts";
import type { Flag, JsonText } from "./rows.ts";

export interface CustomerRow {
  readonly id: string;
  readonly alias: string | null;
  readonly blocked: Flag;
  readonly budget_id: string | null;
  readonly models: JsonText;
  readonly allowed_region: Region | null;
  readonly default_model: string | null;
  readonly markup: JsonText | null;
  readonly created_at: bigint;
  readonly revision: string;
}

export interface BudgetRow {
  readonly id: string;
  readonly period: JsonText | null;
  readonly limits: JsonText;
  readonly thresholds: JsonText | null;
  readonly enforcement: Enforcement;
  readonly markup: JsonText | null;
  readonly owner_scope: Owner["scope"] | null;
  readonly owner_id: string | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly revision: string;
}

export interface KeyRow {
  readonly hash: string;
  readonly secret_hash: string;
  readonly name: string;
  readonly alias: string | null;
  readonly role: KeyRole;
  readonly customer_mode: CustomerRule["mode"];
  /** The customer or the prefix, in the modes that have one. */
  readonly customer_value: string | null;
  readonly blocked: Flag;
  readonly expires_at: bigint | null;
  readonly models: JsonText;
  readonly budget_id: string | null;
  readonly customer_budget_id: string | null;
  readonly team_id: string | null;
  readonly user_id: string | null;
  readonly metadata: JsonText;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly revision: string;
}

export function customerOf(row: CustomerRow): Customer {
  const { id, alias, blocked, budget_id, models, created_at, revision } = row;
  return {
    id,
    alias,
    blocked: Boolean(blocked),
    budgetId: budget_id,
    models: namesOf(models),
    allowedRegion: row.allowed_region,
    defaultModel: row.default_model,
    markup: readColumn(row.markup, markupOf),
    createdAt: Number(created_at),
    revision,
  };
}

export function budgetOf(row: BudgetRow): Budget {
  const { id, period, limits, enforcement, owner_scope, owner_id, revision } = row;
  return {
    id,
    period: period === null ? null : (JSON.parse(period) as Period),
    limits: limitsOf(limits),
    thresholds: row.thresholds === null ? null : (JSON.parse(row.thresholds) as number[]),
    enforcement,
    markup: readColumn(row.markup, markupOf),
    owner: owner_scope === null || owner_id === null ? null : { scope: owner_scope, id: owner_id },
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    revision,
  };
}

export function keyOf(row: KeyRow): Key {
  const { hash, name, alias, role, blocked, expires_at, models, metadata, revision } = row;
  return {
    hash,
    secretHash: row.secret_hash,
    name,
    alias,
    role,
    rule: ruleOf(row),
    blocked: Boolean(blocked),
    expiresAt: expires_at === null ? null : Number(expires_at),
    models: namesOf(models),
    budgetId: row.budget_id,
    customerBudgetId: row.customer_budget_id,
    teamId: row.team_id,
    userId: row.user_id,
    metadata,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    revision,
  };
}

function ruleOf({ customer_mode: mode, customer_value: value }: KeyRow): CustomerRule {
  if (mode === "bound") return { mode, customer: value ?? "" };
  return mode === "prefix" ? { mode, prefix: value ?? "" } : { mode };
}

/** What stands beside the mode, if anything does. */
export function ruleValue(rule: CustomerRule): string | null {
  if (rule.mode === "bound") return rule.customer;
  return rule.mode === "prefix" ? rule.prefix : null;
}

/** Most lists are empty, and this is read on every call. */
function namesOf(text: JsonText): readonly string[] {
  return text === "[]" ? NO_NAMES : (JSON.parse(text) as string[]);
}

const NO_NAMES: readonly string[] = [];

export function limitsText(limits: readonly Limit[]): JsonText {
  return JSON.stringify(limits.map((limit) => ({ ...limit, cap: String(limit.cap) })));
}

function limitsOf(text: JsonText): Limit[] {
  const limits = JSON.parse(text) as StoredLimit[];
  return limits.map((limit) => ({ ...limit, cap: BigInt(limit.cap), soft: limit.soft ?? false }));
}

/** `soft` came later than the first limits. */
interface StoredLimit extends Omit<Limit, "cap" | "soft"> {
  readonly cap: string;
  readonly soft?: boolean;
}
