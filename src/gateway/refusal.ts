/** What a caller is told when the ledger says no. */

import type { BudgetsConfig } from "../config/config.ts";
import { keyBlocked, keyExpired, type Caller } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { remaining, type Refusal, type Standing } from "../ledger/command.ts";
import { formatUsd, nanoUsd } from "../money/amount.ts";
import { budgetHeaders, hidesAmounts, isoTime, type Headers } from "./headers.ts";

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

/** Who is told, of what setting, and when. */
interface Telling {
  readonly caller: Caller;
  readonly budgets: BudgetsConfig;
  readonly now: number;
}

/** What the ledger said, and what the caller is told of it. */
export class Refused extends ApiError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, { error, message, details }: ApiError) {
    super(error, message, details);
    this.refusal = refusal;
  }
}

export function refusalError(
  refusal: Refusal,
  caller: Caller,
  budgets: BudgetsConfig,
  now: number,
): ApiError {
  const telling = { caller, budgets, now };
  switch (refusal.name) {
    case "budget_exceeded":
      return budgetExceeded(refusal.standing, telling);
    case "headroom_held":
      return headroomHeld(refusal.standing, telling);
    case "rate_limited":
      return rateLimited(refusal.standing, telling);
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

function budgetExceeded(standing: Standing, telling: Telling): ApiError {
  const { budgets, now } = telling;
  return new ApiError("budget_exceeded", exceededMessage(standing, telling), {
    status: budgets.exceededStatus,
    headers: {
      // Trying again cannot help before the window ends, and OpenAI's SDKs would try a bare 429 twice more.
      "x-should-retry": "false",
      "retry-after": secondsUntil(standing.windowEnd, now),
      ...detailsOf(standing, telling),
    },
  });
}

/** LiteLLM's words, which differ by what the budget is of. */
function exceededMessage(standing: Standing, telling: Telling): string {
  const { scope, scopeId, model, used, cap } = standing;
  const who = scope === "customer" ? `End User: ${scopeId}` : `Virtual Key: ${keyName(telling)}`;
  if (model !== null) return `LiteLLM ${who}, exceeded budget for model=${model}`;
  const isHidden = hidesAmounts(telling.caller, telling.budgets);
  const spent = formatUsd(nanoUsd(used));
  const limit = formatUsd(nanoUsd(cap));
  if (scope === "customer") {
    const amounts = isHidden ? "" : ` Spend=${spent}, Budget=${limit}`;
    return `ExceededBudget: End User=${scopeId} over budget.${amounts}`;
  }
  const amounts = isHidden ? "" : ` Current cost: ${spent}, Max budget: ${limit}`;
  return `Budget has been exceeded! Key=${keyName(telling)}${amounts}`;
}

function headroomHeld(standing: Standing, telling: Telling): ApiError {
  const { scope, scopeId, used, cap, held } = standing;
  const who = scope === "customer" ? `End User=${scopeId}` : `Key=${keyName(telling)}`;
  const amounts = Object.entries({ Spend: used, Budget: cap, Held: held }).map(
    ([name, amount]) => `, ${name}=${formatUsd(nanoUsd(amount))}`,
  );
  const shown = hidesAmounts(telling.caller, telling.budgets) ? "" : amounts.join("");
  const message =
    `The budget is not spent, but calls in flight hold what is left of it: ` +
    `${who}${shown}. Retry shortly.`;
  return new ApiError("headroom_held", message, {
    headers: { "retry-after": String(HEADROOM_RETRY_S), ...detailsOf(standing, telling) },
  });
}

/** Counts are no amounts: who is to slow down must know to what. */
function rateLimited(standing: Standing, telling: Telling): ApiError {
  const { meter, cap, windowEnd } = standing;
  const left = remaining(standing);
  const message =
    `Rate limit exceeded for ${limitedOf(standing, telling)}. ` +
    `Limit type: ${LIMIT_TYPES[meter]}. Current limit: ${String(cap)}, ` +
    `Remaining: ${String(left > 0n ? left : 0n)}.` +
    (windowEnd === null ? "" : ` Limit resets at: ${isoTime(windowEnd)}`);
  const wait = windowEnd === null ? String(HEADROOM_RETRY_S) : secondsUntil(windowEnd, telling.now);
  return new ApiError("rate_limited", message, {
    headers: {
      "retry-after": wait,
      rate_limit_type: LIMIT_TYPES[meter],
      ...(windowEnd === null ? {} : { reset_at: isoTime(windowEnd) }),
      ...detailsOf(standing, telling),
    },
  });
}

function limitedOf({ scope, scopeId, model }: Standing, telling: Telling): string {
  if (scope === "global") return "all end users together";
  const who = scope === "customer" ? `end_user: ${scopeId}` : `api_key: ${keyName(telling)}`;
  return model === null ? who : `${who}, model: ${model}`;
}

/** Which budget it was and how it stands, for programs; the body has LiteLLM's four fields and no more. */
function detailsOf(standing: Standing, { caller, budgets }: Telling): Headers {
  return budgetHeaders(standing, hidesAmounts(caller, budgets));
}

/** Only a key that has a row has limits. */
function keyName({ caller }: Telling): string {
  return caller.key?.name ?? "";
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

function secondsUntil(end: number | null, now: number): string {
  if (end === null) return String(NO_WINDOW_RETRY_S);
  return String(Math.max(1, Math.ceil((end - now) / 1000)));
}
