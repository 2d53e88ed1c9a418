/** What travels as one message: an event, or for who asked for it a batch of spend events. */

import type { DueDelivery } from "../ledger/outbox.ts";
import { bodyOf } from "./form.ts";
import type { Recipient } from "./recipient.ts";

/** Some 50 KB. */
const BATCH_EVENTS_MAX = 100;

export interface Parcel {
  /** `webhook-id`. */
  readonly id: string;
  readonly deliveries: readonly [DueDelivery, ...DueDelivery[]];
  readonly isBatch: boolean;
}

export interface Sorting {
  readonly parcels: readonly Parcel[];
  /** Batches that are sent for the first time; what is in them must be written down before. */
  readonly fresh: readonly Parcel[];
}

/** In the order of the log. A batch that was sent before is sent as it was, or not yet if a part of it is not here. */
export function sortOut(due: readonly DueDelivery[], { batch, form }: Recipient): Sorting {
  const batches = batch && form.kind === "standard";
  const isBatched = (delivery: DueDelivery): boolean =>
    delivery.batch !== null || (batches && delivery.type === "customer.spend_tracked");
  const singles = due.filter((delivery) => !isBatched(delivery));
  const old = due.filter((delivery) => delivery.batch !== null);
  const groups = Map.groupBy(old, (delivery) => delivery.batch);
  const again = [...groups.values()].flatMap((group) => batchesOf(group)).filter(isWhole);
  const unsent = due.filter((delivery) => delivery.batch === null && isBatched(delivery));
  const fresh = batchesOf(unsent);
  const alone = singles.map((delivery): Parcel => {
    return { id: delivery.eventId, deliveries: [delivery], isBatch: false };
  });
  const parcels = [...alone, ...again, ...fresh].sort((a, b) => (firstOf(a) < firstOf(b) ? -1 : 1));
  return { parcels, fresh };
}

export function parcelBody({ deliveries, isBatch }: Parcel, { form }: Recipient): string {
  const events = deliveries.map(({ event }) => event);
  return bodyOf(form, events, isBatch);
}

export function seqsOf({ deliveries }: Parcel): readonly bigint[] {
  return deliveries.map(({ seq }) => seq);
}

function batchesOf(deliveries: readonly DueDelivery[]): Parcel[] {
  const parcels: Parcel[] = [];
  for (let at = 0; at < deliveries.length; at += BATCH_EVENTS_MAX) {
    const [first, ...rest] = deliveries.slice(at, at + BATCH_EVENTS_MAX);
    if (first === undefined) break;
    // The name says how many there are, so that a part of it is not taken for the whole.
    const id = first.batch ?? `${first.eventId}_batch_${String(rest.length + 1)}`;
    parcels.push({ id, deliveries: [first, ...rest], isBatch: true });
  }
  return parcels;
}

function isWhole({ id, deliveries }: Parcel): boolean {
  return id.endsWith(`_batch_${String(deliveries.length)}`);
}

function firstOf({ deliveries }: Parcel): bigint {
  return deliveries[0].seq;
}
