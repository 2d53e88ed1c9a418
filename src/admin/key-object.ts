/** A key as LiteLLM shows it. */

import type { Budget, CounterKey, Key } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { jsonUsd, nanoUsd, ZERO_USD, type NanoUsd } from "../money/amount.ts";
import { windowAt } from "../money/window.ts";
import type { Admin } from "./admin.ts";
import { iso } from "./budget-period.ts";
import { isOwn } from "./key-budget.ts";
import { budgetTable, usdLimitOf } from "./litellm-budget.ts";

/** A key and the budget that it has, which may be one that it shares. */
export interface BudgetedKey {
  readonly key: Unstamped<Key>;
  readonly budget: Unstamped<Budget> | null;
}

/** Only the master key makes keys, and this is LiteLLM's name for who has it. */
const CREATED_BY = "default_user_id";

export async function keyObject(shown: BudgetedKey, admin: Admin): Promise<object> {
  const [object = {}] = await keyObjects([shown], admin);
  return object;
}

export async function keyObjects(
  shown: readonly BudgetedKey[],
  admin: Admin,
): Promise<readonly object[]> {
  const now = admin.clock.now();
  const spends = await spendsOf(shown, admin, now);
  return shown.map((one) => objectOf(one, spends.get(one.key.hash) ?? ZERO_USD, now));
}

/** The limits stand at the top, as a key's own do at LiteLLM; `budget_id` is of a tier alone. */
function objectOf({ key, budget }: BudgetedKey, spend: NanoUsd, now: number): object {
  const table = budget === null ? null : budgetTable(budget, now);
  return {
    token: key.hash,
    token_id: key.hash,
    key_name: key.name,
    key_alias: key.alias,
    role: key.role,
    ...ruleObject(key),
    blocked: key.blocked,
    expires: key.expiresAt === null ? null : iso(key.expiresAt),
    models: key.models,
    spend: jsonUsd(spend),
    ...limitsIn(table),
    budget_id: isOwn(budget, key) ? null : key.budgetId,
    litellm_budget_table: table,
    metadata: JSON.parse(key.metadata),
    team_id: key.teamId,
    user_id: key.userId,
    created_at: iso(key.createdAt),
    created_by: CREATED_BY,
    updated_at: iso(key.updatedAt),
    updated_by: CREATED_BY,
  };
}

function limitsIn(table: ReturnType<typeof budgetTable> | null): object {
  return {
    max_budget: table?.max_budget ?? null,
    soft_budget: table?.soft_budget ?? null,
    budget_duration: table?.budget_duration ?? null,
    budget_reset_at: table?.budget_reset_at ?? null,
    tpm_limit: table?.tpm_limit ?? null,
    rpm_limit: table?.rpm_limit ?? null,
    max_parallel_requests: table?.max_parallel_requests ?? null,
    model_max_budget: table?.model_max_budget ?? null,
  };
}

function ruleObject({ rule }: Unstamped<Key>): object {
  return {
    customer_mode: rule.mode,
    ...(rule.mode === "bound" ? { customer_id: rule.customer } : {}),
    ...(rule.mode === "prefix" ? { customer_prefix: rule.prefix } : {}),
  };
}

/** Of the window of its money limit, where it has one; else all that was ever charged to it. */
async function spendsOf(
  shown: readonly BudgetedKey[],
  { ledger }: Admin,
  now: number,
): Promise<ReadonlyMap<string, NanoUsd>> {
  const counted = shown.flatMap((one) => spendCounter(one, now) ?? []);
  const limited = new Set(counted.map(({ scopeId }) => scopeId));
  const others = shown.map(({ key }) => key.hash).filter((hash) => !limited.has(hash));
  const [counters, charges] = await Promise.all([
    counted.length === 0 ? [] : ledger.read.counters(counted),
    ledger.read.keyCharges(others),
  ]);
  return new Map([
    ...charges,
    ...counters.map(({ scopeId, used }) => [scopeId, nanoUsd(used)] as const),
  ]);
}

function spendCounter({ key, budget }: BudgetedKey, now: number): CounterKey | undefined {
  const limit = budget === null ? undefined : usdLimitOf(budget);
  if (limit === undefined) return undefined;
  const scope = { scope: "key", scopeId: key.hash } as const;
  return { ...scope, meter: "usd", model: "", ...windowAt(limit.period, now) };
}
