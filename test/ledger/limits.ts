/** Limits beside their counters, to see whether they hold. */

import type { Counter, Limit } from "../../src/ledger/book.ts";
import { LIFETIME } from "../../src/money/window.ts";
import type { Book } from "../support/book.ts";

export interface Watched {
  readonly limit: Limit;
  readonly counter: Counter;
}

/**
 * The limits that no call can have gone around, each with every counter it has: those of keys, those of customers with
 * a budget of their own and, if no key names another, those of the default.
 */
export function hardLimits(book: Book, defaultBudgetId = ""): Watched[] {
  const customers = [...book.customers.values()].map(({ id, budgetId }) => {
    return { scope: "customer", id, budgetId: budgetId ?? defaultBudgetId };
  });
  const keys = [...book.keys.values()].map(({ hash, budgetId }) => {
    return { scope: "key", id: hash, budgetId: budgetId ?? "" };
  });
  const counters = [...book.counters.values()];
  return [...customers, ...keys].flatMap(({ scope, id, budgetId }) => {
    const budget = book.budgets.get(budgetId);
    const limits = budget?.enforcement === "hard" ? budget.limits : [];
    const counted = counters.filter((row) => row.scope === scope && row.scopeId === id);
    return limits
      .filter((limit) => limit.meter !== "tokens" && !limit.soft)
      .flatMap((limit) =>
        counted.filter((row) => counts(row, limit)).map((counter) => ({ limit, counter })),
      );
  });
}

function counts(counter: Counter, { meter, model, period }: Limit): boolean {
  const isLifetime = counter.end === LIFETIME.end;
  return counter.meter === meter && counter.model === (model ?? "") && isLifetime === !period;
}
