/** LiteLLM's customer object: seven keys, and what else is set. */

import { counterName, type Budget, type CounterKey, type Customer } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { lifetimeCounter } from "../ledger/limits.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { windowAt } from "../money/window.ts";
import type { Admin } from "./admin.ts";
import { costMargin } from "./cost-margin.ts";
import { budgetTable, usdLimitOf } from "./litellm-budget.ts";

type CustomerRow = Unstamped<Customer>;
type BudgetRow = Unstamped<Budget>;

export async function customerObject(customer: CustomerRow, admin: Admin): Promise<unknown> {
  const [object] = await customerObjects([customer], admin);
  return object;
}

/** In the order of the customers. */
export async function customerObjects(
  customers: readonly CustomerRow[],
  admin: Admin,
): Promise<readonly unknown[]> {
  const { read } = admin.ledger;
  const now = admin.clock.now();
  const ids = new Set(customers.flatMap(({ budgetId }) => budgetId ?? []));
  const [budgets, common] = await Promise.all([read.budgets([...ids]), commonBudget(admin)]);
  const budgetsById = new Map(budgets.map((budget) => [budget.id, budget]));
  const shown = customers.map((customer) => {
    const budget = budgetsById.get(customer.budgetId ?? "") ?? null;
    return { customer, budget, counter: spendCounter(customer.id, budget ?? common, now) };
  });
  const counters = await read.counters(shown.map(({ counter }) => counter));
  const used = new Map(counters.map((counter) => [counterName(counter), counter.used]));
  return shown.map(({ customer, budget, counter }) =>
    objectOf(customer, budget, { spend: used.get(counterName(counter)) ?? 0n, now }),
  );
}

function objectOf(
  customer: CustomerRow,
  budget: BudgetRow | null,
  { spend, now }: { readonly spend: bigint; readonly now: number },
): unknown {
  const { id, blocked, alias, models, allowedRegion, defaultModel, markup } = customer;
  return {
    user_id: id,
    blocked,
    alias,
    spend: jsonUsd(nanoUsd(spend)),
    allowed_model_region: allowedRegion,
    default_model: defaultModel,
    ...(models.length === 0 ? {} : { models }),
    ...(markup === null ? {} : { cost_margin: costMargin(markup) }),
    ...(budget === null ? {} : { budget_id: budget.id }),
    litellm_budget_table: budget === null ? null : budgetTable(budget, now),
  };
}

/** Of the customers that have none of their own. */
async function commonBudget({ ledger, policy }: Admin): Promise<BudgetRow | null> {
  const { defaultCustomerBudgetId: id, fallbackCustomerBudget } = policy;
  const budget = id === null ? undefined : await ledger.read.budget(id);
  return budget ?? fallbackCustomerBudget;
}

/** Spend is that of the money limit's current window; without such a limit, of all time. */
function spendCounter(id: string, budget: BudgetRow | null, now: number): CounterKey {
  const period = (budget === null ? undefined : usdLimitOf(budget))?.period ?? null;
  return { ...lifetimeCounter(id), ...windowAt(period, now) };
}
