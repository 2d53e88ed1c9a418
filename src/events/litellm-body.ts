/** The flat object of LiteLLM's webhook, so that receivers written for it need no change. */

import type { EventData, EventOf, EventType, LedgerEvent } from "../ledger/event.ts";
import { formatUsd, jsonUsd, nanoUsd } from "../money/amount.ts";
import { isoTime } from "./standard-body.ts";

/** Both spellings are in use: LiteLLM's documents have the one, its newer code the other. */
export type CustomerGroup = "customer" | "end_user";

/** LiteLLM's names of what it has, too. */
const KINDS = {
  "customer.spend_tracked": "spend_tracked",
  "budget.threshold_reached": "threshold_crossed",
  "budget.soft_crossed": "soft_budget_crossed",
  "budget.crossed": "budget_crossed",
  "budget.projected_exceeded": "projected_limit_exceeded",
} as const satisfies Partial<Record<EventType, string>>;

type Told = Extract<LedgerEvent, { readonly type: keyof typeof KINDS }>;

export function litellmKind(type: EventType): string | undefined {
  return isKind(type) ? KINDS[type] : undefined;
}

/** JSON text. Every event has every key, in LiteLLM's order; what is unknown is null. */
export function litellmBody(event: LedgerEvent, customerGroup: CustomerGroup): string {
  if (!isTold(event)) throw new Error(`${event.type} has no form of LiteLLM's`);
  return JSON.stringify({
    ...EMPTY,
    ...amountsOf(event),
    token: event.data.keyHash,
    customer_id: event.customer,
    key_alias: event.data.keyAlias,
    event: KINDS[event.type],
    event_group: event.customer === null ? "key" : customerGroup,
    event_message: messageOf(event),
  });
}

/** What `GET /health/services?service=webhook` sends. */
export function litellmTestBody(): string {
  return JSON.stringify({
    ...EMPTY,
    spend: 1,
    max_budget: 0,
    event: "budget_crossed",
    event_group: "user",
    event_message: "User Budget: Budget Crossed\n Total Budget:`0`",
  });
}

/** The order of the keys is this one's, whatever fills them in. */
const EMPTY = {
  spend: null,
  max_budget: null,
  soft_budget: null,
  token: null,
  customer_id: null,
  user_id: null,
  team_id: null,
  team_alias: null,
  user_email: null,
  key_alias: null,
  projected_exceeded_date: null,
  projected_spend: null,
} as const;

function amountsOf(event: Told): object {
  if (event.type === "customer.spend_tracked") {
    const { charge, maxBudget } = event.data;
    return { spend: usd(charge), max_budget: maxBudget === null ? null : usd(maxBudget) };
  }
  const amounts = { spend: usd(event.data.used), max_budget: usd(event.data.limit) };
  if (event.type === "budget.soft_crossed") {
    const { maxBudget, limit } = event.data;
    const overall = maxBudget === null ? null : usd(maxBudget);
    return { ...amounts, max_budget: overall, soft_budget: usd(limit) };
  }
  if (event.type !== "budget.projected_exceeded") return amounts;
  const { projectedSpend, projectedExceededDate } = event.data;
  return {
    ...amounts,
    projected_exceeded_date: isoTime(projectedExceededDate).slice(0, "YYYY-MM-DD".length),
    projected_spend: usd(projectedSpend),
  };
}

function messageOf(event: Told): string {
  if (event.type === "customer.spend_tracked") {
    const { customer, data } = event;
    return `Customer spend tracked. Customer=${String(customer)}, spend=${dollars(data.charge)}`;
  }
  return `${event.customer === null ? "Key" : "Customer"} Budget: ${titleOf(event)}`;
}

/** In LiteLLM's words, where it has some. */
function titleOf(event: Exclude<Told, EventOf<"customer.spend_tracked">>): string {
  switch (event.type) {
    case "budget.crossed":
      return `Budget Crossed\n Total Budget:\`${dollars(event.data.limit)}\``;
    case "budget.soft_crossed":
      return `Soft Budget Crossed\n Soft Budget:\`${dollars(event.data.limit)}\``;
    case "budget.threshold_reached":
      return `${String(100 - event.data.percent)}% Threshold Crossed`;
    case "budget.projected_exceeded":
      return `Projected Budget Exceeded\n ${expectationOf(event.data)}`;
  }
}

function expectationOf({ limit, projectedSpend }: EventData<"budget.projected_exceeded">): string {
  return `Expected Spend:\`${dollars(projectedSpend)}\` Total Budget:\`${dollars(limit)}\``;
}

function isKind(type: EventType): type is keyof typeof KINDS {
  return Object.hasOwn(KINDS, type);
}

function isTold(event: LedgerEvent): event is Told {
  return isKind(event.type);
}

function usd(nanoDollars: string): unknown {
  return jsonUsd(nanoUsd(BigInt(nanoDollars)));
}

function dollars(nanoDollars: string): string {
  return formatUsd(nanoUsd(BigInt(nanoDollars)));
}
