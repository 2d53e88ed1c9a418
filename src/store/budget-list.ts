/** Budgets by the list. */

import type { Budget } from "../ledger/book.ts";
import { budgetOf } from "./account-rows.ts";
import type { Database } from "./database.ts";

/** Those of the ids that exist; null for all. In the order of their ids. */
export async function listBudgets(
  { query }: Database,
  ids: readonly string[] | null,
): Promise<readonly Budget[]> {
  const all = query.selectFrom("budgets").selectAll().orderBy("id");
  const rows = ids === null ? all : all.where("id", "in", ids);
  return ids?.length === 0 ? [] : (await rows.execute()).map(budgetOf);
}
