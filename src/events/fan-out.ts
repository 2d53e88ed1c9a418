/** Which deliveries an event makes. */

import type { LedgerEvent } from "../ledger/event.ts";
import type { NewDelivery, Numbered } from "../ledger/outbox.ts";
import { wants, type Recipient } from "./recipient.ts";
import { EVENT_RETENTION_MS } from "./verdict.ts";

export interface FanOutTimes {
  readonly now: number;
  /** How long spend events are gathered for who wants them in batches. */
  readonly batchMs: number;
}

export function deliveriesOf(
  events: readonly Numbered<LedgerEvent>[],
  recipients: readonly Recipient[],
  { now, batchMs }: FanOutTimes,
): readonly NewDelivery[] {
  return events.flatMap((event) => {
    const { seq, item } = event;
    const { id: eventId, type, customer } = item;
    return recipients
      .filter((recipient) => wants(recipient, event))
      .map(({ id: endpoint, batch }) => {
        const isGathered = batch && type === "customer.spend_tracked";
        return {
          endpoint,
          seq,
          eventId,
          type,
          customer,
          createdAt: now,
          dueAt: isGathered ? nextMultiple(now, batchMs) : now,
          keptUntil: now + EVENT_RETENTION_MS,
        };
      });
  });
}

/** Events of one span are due together. */
function nextMultiple(now: number, spanMs: number): number {
  return (Math.floor(now / spanMs) + 1) * spanMs;
}
