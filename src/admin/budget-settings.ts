/** The fields of a budget as LiteLLM describes them to a form. */

import type { Budget } from "../ledger/book.ts";
import { budgetTable } from "./litellm-budget.ts";

const FIELDS = {
  max_parallel_requests: ["Integer", "Calls in flight at one time."],
  tpm_limit: ["Integer", "Tokens in a minute."],
  rpm_limit: ["Integer", "Calls in a minute."],
  budget_duration: ["String", "How long a window of max_budget lasts, such as 1d or 1mo."],
  max_budget: ["Float", "Dollars in a window; calls that do not fit are refused."],
  soft_budget: ["Float", "Dollars in a window; crossing it is told and refuses nothing."],
  model_max_budget: ["Object", "Dollars, tokens and calls by model."],
} as const;

export function budgetSettings(budget: Budget): unknown {
  const values: Readonly<Record<string, unknown>> = budgetTable(budget, budget.updatedAt);
  return Object.entries(FIELDS).map(([name, [type, about]]) => ({
    field_name: name,
    field_type: type,
    field_description: about,
    field_value: values[name],
    stored_in_db: true,
    field_default_value: null,
  }));
}
