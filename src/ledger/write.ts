/** Customers, budgets and keys as administrators write them: all of a command's rows or none. */

import type { Budget, Customer, Key } from "./book.ts";
import type { Outcome, Policy, Refusal, Rewrite, Unstamped, Write } from "./command.ts";
import { announceWrite } from "./announce-account.ts";
import type { Draft } from "./draft.ts";

const WRITTEN: Outcome = { kind: "written" };

export function write(draft: Draft, command: Write, policy: Policy): Outcome {
  const places = placesOf(draft, command);
  if (places.every((place) => isDone(place, command.id))) return WRITTEN;
  if (!places.every(standsAsRead)) return { kind: "refused", refusal: { name: "changed" } };
  const refusal =
    unknownBudget(draft, command) ??
    budgetInUse(draft, command, policy) ??
    aliasTaken(draft, command);
  if (refusal !== undefined) return { kind: "refused", refusal };

  // From here on the write must succeed.
  const { id: revision, customers, budgets, keys } = command;
  announceWrite(draft, command);
  for (const { id, row } of customers) draft.putCustomer(id, row && { ...row, revision });
  for (const { id, row } of budgets) draft.putBudget(id, row && { ...row, revision });
  for (const { id, row } of keys) draft.putKey(id, row && { ...row, revision });
  return WRITTEN;
}

/** A row that is to be written, and as it stands. */
interface Place {
  readonly expected: string | null;
  readonly current: string | null;
  readonly isDeleted: boolean;
}

function placesOf(draft: Draft, { customers, budgets, keys }: Write): Place[] {
  return [
    ...customers.map((rewrite) => placeOf(rewrite, draft.customer(rewrite.id))),
    ...budgets.map((rewrite) => placeOf(rewrite, draft.budget(rewrite.id))),
    ...keys.map((rewrite) => placeOf(rewrite, draft.key(rewrite.id))),
  ];
}

function placeOf<Row extends Customer | Budget | Key>(
  { revision, row }: Rewrite<Row>,
  current: Row | undefined,
): Place {
  return { expected: revision, current: current?.revision ?? null, isDeleted: row === null };
}

/** By this very command, which is being repeated. */
function isDone({ current, isDeleted }: Place, command: string): boolean {
  return isDeleted ? current === null : current === command;
}

function standsAsRead({ current, expected }: Place): boolean {
  return current === expected;
}

function unknownBudget(draft: Draft, command: Write): Refusal | undefined {
  const written = new Map(command.budgets.map(({ id, row }) => [id, row !== null]));
  const missing = linkedBudgets(command).find(
    (id) => !(written.get(id) ?? draft.budget(id) !== undefined),
  );
  return missing === undefined ? undefined : { name: "unknown_budget", budget: missing };
}

function budgetInUse(draft: Draft, command: Write, policy: Policy): Refusal | undefined {
  const gone = command.budgets.filter(({ row }) => row === null).map(({ id }) => id);
  const used = gone.find((id) => id === policy.defaultCustomerBudgetId || draft.isBudgetInUse(id));
  return used === undefined ? undefined : { name: "budget_in_use", budget: used };
}

function aliasTaken(draft: Draft, { keys }: Write): Refusal | undefined {
  for (const { id, row } of keys) {
    const alias = row?.alias ?? null;
    if (alias !== null && draft.isAliasOfAnother(alias, id)) return { name: "alias_taken", alias };
  }
  return undefined;
}

/** The budgets that customers and keys shall have. */
export function linkedBudgets({ customers, keys }: Write): string[] {
  const ofCustomers = customers.flatMap(({ row }) => row?.budgetId ?? []);
  return [...ofCustomers, ...keys.flatMap(({ row }) => (row === null ? [] : budgetsOf(row)))];
}

/** A key may name the budget of its customers before that exists. */
function budgetsOf({ budgetId }: Unstamped<Key>): string[] {
  return budgetId === null ? [] : [budgetId];
}
