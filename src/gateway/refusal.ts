/** What a caller is told when the ledger says no. */

import type { BudgetsConfig } from "../config/config.ts";
import { keyBlocked, keyExpired } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { remaining, type Refusal, type Standing } from "../ledger/command.ts";
import { formatUsd, nanoUsd } from "../money/amount.ts";
import { isoTime } from "./headers.ts";

/** Calls in flight end within seconds, and each gives headroom back. */
const HEADROOM_RETRY_S = 1;

/** A budget without a window opens only when somebody raises it; a day keeps a polite client from asking in vain. */
const NO_WINDOW_RETRY_S = 86_400;

/** LiteLLM's names for what it limits. */
const LIMIT_TYPES = {
  usd: "spend",
  tokens: "tokens",
  requests: "requests",
  concurrency: "max_parallel_requests",
  customers: "new_customers",
} as const;

const SCOPES = { customer: "end_user", key: "api_key", global: "all_end_users" } as const;

export function refusalError(refusal: Refusal, budgets: BudgetsConfig, now: number): ApiError {
  switch (refusal.name) {
    case "budget_exceeded":
      return budgetExceeded(refusal.standing, budgets, now);
    case "headroom_held":
      return headroomHeld(refusal.standing);
    case "rate_limited":
      return rateLimited(refusal.standing, now);
    case "customer_blocked":
      return customerBlocked(refusal.customer);
    case "unpriced_model":
      return new ApiError("unpriced_model", unpricedMessage(refusal.model), { param: "model" });
    case "key_blocked":
      return keyBlocked();
    case "stale_key":
    case "key_expired":
      return keyExpired();
    case "unknown_customer":
      return new ApiError("unknown_customer", `There is no customer ${refusal.customer}.`);
    case "key_model_denied":
      return modelDenied("key", refusal.model);
    case "customer_model_denied":
      return modelDenied("customer", refusal.model);
    case "region_denied":
      return regionDenied(refusal.region);
    case "changed":
    case "unknown_budget":
    case "alias_taken":
    case "budget_in_use":
    case "unknown_hold":
      throw new Error(`a reserve cannot be refused as ${refusal.name}`);
  }
}

function budgetExceeded(standing: Standing, budgets: BudgetsConfig, now: number): ApiError {
  const message =
    standing.model === null
      ? `ExceededBudget: ${nameOf(standing)} over budget. ${amountsOf(standing)}`
      : `LiteLLM ${nameOf(standing)}, exceeded budget for model=${standing.model}`;
  return new ApiError("budget_exceeded", message, {
    status: budgets.exceededStatus,
    // Trying again cannot help before the window ends, and OpenAI's SDKs would try a bare 429 twice more.
    headers: { "x-should-retry": "false", "retry-after": secondsUntil(standing.windowEnd, now) },
  });
}

function headroomHeld(standing: Standing): ApiError {
  const message =
    `The budget is not spent, but calls in flight hold what is left of it: ${nameOf(standing)}, ` +
    `${amountsOf(standing)}, Held=${formatUsd(nanoUsd(standing.held))}. Retry shortly.`;
  return new ApiError("headroom_held", message, {
    headers: { "retry-after": String(HEADROOM_RETRY_S) },
  });
}

function rateLimited(standing: Standing, now: number): ApiError {
  const scope = SCOPES[standing.scope];
  const ends = standing.windowEnd;
  const left = remaining(standing);
  const message =
    `Rate limit exceeded for ${scope}: ${standing.scopeId}. ` +
    `Limit type: ${LIMIT_TYPES[standing.meter]}. Current limit: ${String(standing.cap)}, ` +
    `Remaining: ${String(left > 0n ? left : 0n)}.` +
    (ends === null ? "" : ` Limit resets at: ${isoTime(ends)}`);
  const wait = ends === null ? String(HEADROOM_RETRY_S) : secondsUntil(ends, now);
  return new ApiError("rate_limited", message, {
    headers: { "retry-after": wait, rate_limit_type: LIMIT_TYPES[standing.meter] },
  });
}

export function customerBlocked(customer: string): ApiError {
  const message = `User blocked from making LLM API Calls. User=${customer}`;
  const extra = { provider_specific_fields: { error: message } };
  return new ApiError("customer_blocked", message, { extra });
}

/** LiteLLM's words. */
function modelDenied(whose: "customer" | "key", model: string): ApiError {
  const message =
    `The requested model '${model}' is not in the allowed models for this ${whose}. ` +
    `Check the models this ${whose} can use and try again.`;
  return new ApiError(`${whose}_model_denied`, message, { param: "model" });
}

function regionDenied(region: string): ApiError {
  const message = `This customer is kept to the region ${region}, and no deployment of the model is in it.`;
  return new ApiError("region_denied", message, { param: "model" });
}

function unpricedMessage(model: string): string {
  return (
    `No price is known for ${model}, and this customer has a money limit. ` +
    `Set input_cost_per_token and output_cost_per_token in the deployment's model_info.`
  );
}

function nameOf({ scope, scopeId }: Standing): string {
  return scope === "customer" ? `End User=${scopeId}` : `Key=${scopeId}`;
}

function amountsOf({ used, cap }: Standing): string {
  return `Spend=${formatUsd(nanoUsd(used))}, Budget=${formatUsd(nanoUsd(cap))}`;
}

function secondsUntil(end: number | null, now: number): string {
  if (end === null) return String(NO_WINDOW_RETRY_S);
  return String(Math.max(1, Math.ceil((end - now) / 1000)));
}
