/** Stripe's meter events: https://docs.stripe.com/api/billing/meter-event/create */

import type { ExportConfig } from "../config/config.ts";
import type { Charge, UsageRequest } from "./charge.ts";

/** Meters add up whole numbers, so the value is in nano-dollars: price a unit at 0.0000001 cents. */
export function stripeRequest(
  { id, at, customer, charge }: Charge,
  { meter, apiKey }: ExportConfig,
): UsageRequest {
  const form = new URLSearchParams({
    event_name: meter,
    identifier: id,
    timestamp: String(Math.floor(at / 1000)),
    "payload[stripe_customer_id]": customer,
    "payload[value]": String(charge),
  });
  return {
    path: "/v1/billing/meter_events",
    headers: {
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: form.toString(),
  };
}

export function isStripeDuplicate(status: number, answer: string): boolean {
  return status === 400 && /duplicate_meter_event|already exists with identifier/.test(answer);
}
