/** The body of a delivery: the flat object of LiteLLM's webhook, so that receivers written for it need no change. */

import type { OutboxEvent } from "../ledger/book.ts";
import { formatUsd, jsonUsd, nanoUsd, type NanoUsd } from "../money/amount.ts";

/** JSON text. Every event has every key, in LiteLLM's order; what is unknown of a customer is null there too. */
export function litellmBody(event: OutboxEvent): string {
  const { spend, maxBudget, keyHash, keyAlias } = event.data;
  return JSON.stringify({
    spend: jsonUsd(amountOf(spend)),
    max_budget: maxBudget === null ? null : jsonUsd(amountOf(maxBudget)),
    token: keyHash,
    customer_id: event.customer,
    user_id: null,
    team_id: null,
    user_email: null,
    key_alias: keyAlias,
    projected_exceeded_date: null,
    projected_spend: null,
    ...titleOf(event),
  });
}

function titleOf({ type, customer, data }: OutboxEvent): Readonly<Record<string, string>> {
  switch (type) {
    case "customer.spend_tracked": {
      const facts = `Customer=${String(customer)}, spend=${dollars(data.spend)}`;
      return {
        event: "spend_tracked",
        event_group: "customer",
        event_message: `Customer spend tracked. ${facts}`,
      };
    }
    case "budget.soft_crossed":
      return {
        event: "soft_budget_crossed",
        event_group: "customer",
        event_message: `Customer Budget: Soft Budget Crossed\n Soft Budget:\`${dollars(data.maxBudget ?? "0")}\``,
      };
    case "budget.crossed":
      return {
        event: "budget_crossed",
        event_group: "customer",
        event_message: `Customer Budget: Budget Crossed\n Total Budget:\`${dollars(data.maxBudget ?? "0")}\``,
      };
  }
}

function dollars(nanoDollars: string): string {
  return formatUsd(amountOf(nanoDollars));
}

function amountOf(nanoDollars: string): NanoUsd {
  return nanoUsd(BigInt(nanoDollars));
}
