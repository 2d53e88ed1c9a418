/** LiteLLM's caps on single models, to limits and back. */

import { Type, type Static } from "typebox";
import type { Budget, Limit } from "../ledger/book.ts";
import type { Unstamped } from "../ledger/command.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { formatDuration } from "../money/duration.ts";
import {
  amountFrom,
  countOf,
  periodNow,
  REQUESTS,
  requireModelName,
  TOKENS,
  type LimitsOrigin,
} from "./budget-limits.ts";
import { fault, periodFrom } from "./budget-period.ts";

export const Amount = Type.Union([Type.Number(), Type.String(), Type.Null()]);
export const Count = Type.Union([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Null(),
]);
export const Text = Type.Union([Type.String(), Type.Null()]);

/** LiteLLM has two names for either of the first two. */
const ModelBudget = Type.Object(
  {
    max_budget: Type.Optional(Amount),
    budget_limit: Type.Optional(Amount),
    budget_duration: Type.Optional(Text),
    time_period: Type.Optional(Text),
    tpm_limit: Type.Optional(Count),
    rpm_limit: Type.Optional(Count),
  },
  { additionalProperties: false },
);
type ModelBudget = Static<typeof ModelBudget>;

/** Without a pattern of its own, a name with a line break in it would escape the check of what stands under it. */
export const ModelBudgets = Type.Record(Type.String({ pattern: "^[^]*$" }), ModelBudget);
type ModelBudgets = Static<typeof ModelBudgets>;

/** All that names a model is replaced. */
export function withModelBudgets(
  limits: readonly Limit[],
  given: ModelBudgets,
  origin: LimitsOrigin,
): Limit[] {
  const others = limits.filter(({ model }) => model === null);
  const ofModels = Object.entries(given).flatMap(([model, budget]) =>
    modelLimits(model, budget, origin),
  );
  return [...others, ...ofModels];
}

function modelLimits(model: string, budget: ModelBudget, origin: LimitsOrigin): Limit[] {
  const field = `model_max_budget.${model}`;
  requireModelName(model, field);
  const { tpm_limit = null, rpm_limit = null } = budget;
  const max = budget.max_budget ?? budget.budget_limit ?? null;
  const duration = budget.budget_duration ?? budget.time_period ?? null;
  if (max === null && duration !== null) throw fault(field, "a duration needs max_budget");
  const usd = max === null ? [] : [usdOfModel(model, { max, duration }, origin)];
  const tokens = tpm_limit === null ? [] : [{ ...TOKENS, model, cap: BigInt(tpm_limit) }];
  const requests = rpm_limit === null ? [] : [{ ...REQUESTS, model, cap: BigInt(rpm_limit) }];
  return [...usd, ...tokens, ...requests];
}

function usdOfModel(
  model: string,
  { max, duration }: { readonly max: string | number; readonly duration: string | null },
  origin: LimitsOrigin,
): Limit {
  const field = `model_max_budget.${model}`;
  const counted = { meter: "usd", model, soft: false } as const;
  const usual = { alignment: null, anchor: null, timezone: null };
  const wanted = { duration, ...usual, field: `${field}.budget_duration` };
  const period = periodFrom(wanted, periodNow({ ...counted, duration }, origin), origin);
  return { ...counted, cap: amountFrom(`${field}.max_budget`, max), period };
}

/** Of several windows of one model LiteLLM's shape has room for the first, and for limits of other kinds none. */
export function modelBudgets(budget: Unstamped<Budget>): Record<string, object> | null {
  const models = [...new Set(budget.limits.flatMap(({ model }) => model ?? []))];
  const shown = models
    .map((model) => [model, modelBudget(budget, model)] as const)
    .filter(([, fields]) => Object.keys(fields).length > 0);
  return shown.length === 0 ? null : Object.fromEntries(shown);
}

function modelBudget(budget: Unstamped<Budget>, model: string): object {
  const usd = budget.limits.find(
    (limit) => limit.model === model && limit.meter === "usd" && !limit.soft,
  );
  const tpm_limit = countOf(budget, { ...TOKENS, model });
  const rpm_limit = countOf(budget, { ...REQUESTS, model });
  const duration = usd === undefined || usd.period === null ? null : usd.period.duration;
  return {
    ...(usd === undefined ? {} : { max_budget: jsonUsd(nanoUsd(usd.cap)) }),
    ...(duration === null ? {} : { budget_duration: formatDuration(duration) }),
    ...(tpm_limit === null ? {} : { tpm_limit }),
    ...(rpm_limit === null ? {} : { rpm_limit }),
  };
}
