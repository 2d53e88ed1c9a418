/** The budget of a key: one of its own, made of the fields in its bodies, or a tier that it shares. */

import type { Budget, Key, Owner } from "../ledger/book.ts";
import type { Rewrite, Unstamped } from "../ledger/command.ts";
import type { Admin } from "./admin.ts";
import { fault } from "./budget-period.ts";
import type { KeyFields } from "./key-fields.ts";
import { BUDGET_FIELDS, patchedBudget, type BudgetFields } from "./litellm-budget.ts";
import type { Stamp } from "./write.ts";

export interface KeyBudget {
  readonly id: string | null;
  /** Null also where there is no such budget, which the ledger refuses. */
  readonly budget: Unstamped<Budget> | null;
  readonly rewrites: readonly Rewrite<Budget>[];
}

type Identified = Pick<Key, "hash" | "budgetId">;

/** What is set on a key that shares a tier is set on a copy of its own: nobody else's limits change. */
export async function keyBudget(
  fields: KeyFields,
  key: Identified,
  stamp: Stamp,
  admin: Admin,
): Promise<KeyBudget> {
  const current = await budgetOfKey(key, admin);
  const own = isOwn(current, key) ? current : null;
  const set = budgetFieldsIn(fields);
  const { budget_id: tierId } = fields;
  if (typeof tierId === "string" && tierId !== own?.id) {
    refuseBoth(set);
    const tier = (await admin.ledger.read.budget(tierId)) ?? null;
    if (tier !== null && tier.owner !== null) {
      throw fault("budget_id", "This budget was made for one customer or key alone.");
    }
    return { id: tierId, budget: tier, rewrites: own === null ? [] : [deletion(own)] };
  }
  const base = own ?? (tierId === null ? null : current);
  const stays = { id: base?.id ?? null, budget: base, rewrites: [] };
  if (set === null) return stays;

  const origin = { ...stamp, place: admin.place };
  const owner: Owner = { scope: "key", id: key.hash };
  const copied = { id: stamp.id, owner, createdAt: stamp.at, updatedAt: stamp.at };
  const from = own ?? (base && { ...base, ...copied });
  const budget = patchedBudget(set, from, origin, owner);
  if (budget === null || budget === from) return stays;
  const rewrite = { id: budget.id, revision: own?.revision ?? null, row: budget };
  return { id: budget.id, budget, rewrites: [rewrite] };
}

/** A key takes the budget along that was made for it. */
export async function budgetGoneWith(
  key: Identified,
  admin: Admin,
): Promise<readonly Rewrite<Budget>[]> {
  const budget = await budgetOfKey(key, admin);
  return budget !== null && isOwn(budget, key) ? [deletion(budget)] : [];
}

export async function budgetOfKey(
  { budgetId }: Identified,
  { ledger }: Admin,
): Promise<Budget | null> {
  return budgetId === null ? null : ((await ledger.read.budget(budgetId)) ?? null);
}

export function isOwn(budget: Unstamped<Budget> | null, { hash }: Identified): boolean {
  return budget?.owner?.scope === "key" && budget.owner.id === hash;
}

function deletion({ id, revision }: Budget): Rewrite<Budget> {
  return { id, revision, row: null };
}

/** Null where no field of a budget is there at all. */
function budgetFieldsIn(fields: KeyFields): BudgetFields | null {
  const set = Object.entries(fields).filter(([name]) => Object.hasOwn(BUDGET_FIELDS, name));
  return set.length === 0 ? null : Object.fromEntries(set);
}

function refuseBoth(set: BudgetFields | null): void {
  const field = Object.entries(set ?? {}).find(([, value]) => value !== null)?.[0];
  if (field === undefined) return;
  throw fault(field, `Set either '${field}' or 'budget_id', not both.`);
}
