/** Lago's usage events: https://docs.getlago.com/api-reference/events */

import type { ExportConfig } from "../config/config.ts";
import { formatUsd, nanoUsd } from "../money/amount.ts";
import { figuresOf, type Charge, type UsageRequest } from "./charge.ts";

/** The customer's name is that of its subscription. */
export function lagoRequest(charge: Charge, { meter, apiKey }: ExportConfig): UsageRequest {
  const { id, at, customer } = charge;
  const event = {
    transaction_id: id,
    external_subscription_id: customer,
    code: meter,
    timestamp: String(at / 1000),
    precise_total_amount_cents: formatUsd(nanoUsd(charge.charge * 100n)),
    properties: figuresOf(charge),
  };
  return {
    path: "/api/v1/events",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ event }),
  };
}

export function isLagoDuplicate(status: number, answer: string): boolean {
  return status === 422 && /"transaction_id":\s*\[\s*"value_already_exist"/.test(answer);
}
