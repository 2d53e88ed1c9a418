/** Events of the outbox with everything filled in that a test does not care about. */

import type { EventData, OutboxEvent } from "../../src/ledger/book.ts";

/** Of the key `sk-1234`. */
export const SK_1234_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";

const DATA = { maxBudget: null, keyHash: SK_1234_HASH, keyAlias: null };

export function tracking(
  customer: string,
  spend: bigint,
  rest: Partial<EventData & Pick<OutboxEvent, "id">> = {},
): OutboxEvent {
  const { id = `evt_${customer}`, ...data } = rest;
  const facts = { ...DATA, ...data, spend: String(spend) };
  return { id, type: "customer.spend_tracked", at: 0, customer, data: facts };
}

export function crossing(customer: string, spend: bigint, maxBudget: bigint): OutboxEvent {
  const data = { ...DATA, spend: String(spend), maxBudget: String(maxBudget) };
  return { id: `evt_${customer}_crossed_0`, type: "budget.crossed", at: 0, customer, data };
}

/** `evt_<customer>_<number>`, for each number below `count`. */
export function trackings(customer: string, count: number): readonly OutboxEvent[] {
  return Array.from({ length: count }, (_, index) =>
    tracking(customer, 1n, { id: `evt_${customer}_${String(index)}` }),
  );
}
