/** The body of an event as the Standard Webhooks specification recommends it: `{type, timestamp, data}`. */

import {
  EVENT_FIELDS,
  EVENT_KINDS,
  type EventField,
  type EventFields,
  type LedgerEvent,
} from "../ledger/event.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";

export function standardBody(event: LedgerEvent): string {
  return JSON.stringify(objectOf(event));
}

/** Of some seconds' events, each with the id that it would have had as a message of its own. */
export function batchBody(events: readonly LedgerEvent[]): string {
  const last = events.at(-1);
  if (last === undefined) throw new Error("a batch of no event");
  const data = events.map((event) => ({ id: event.id, ...objectOf(event) }));
  return JSON.stringify({ type: "batch", timestamp: isoTime(last.at), data });
}

function objectOf({ type, at, customer, data }: LedgerEvent): object {
  const carried: readonly EventField[] = EVENT_KINDS[type].carries;
  const fields = carried.map((field) => [wireName(field), wireValue(data, field)]);
  return { type, timestamp: isoTime(at), data: { customer, ...Object.fromEntries(fields) } };
}

/** `keyHash` → `key_hash`. */
export function wireName(field: EventField): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function isoTime(at: number): string {
  return Temporal.Instant.fromEpochMilliseconds(at).toString();
}

function wireValue(fields: Partial<EventFields>, field: EventField): unknown {
  const value = fields[field] ?? null;
  const { unit } = EVENT_FIELDS[field];
  if (unit === "time" && typeof value === "number") return isoTime(value);
  if (unit === "plain" || typeof value !== "string") return value;
  const isMoney = unit === "usd" || fields.meter === "usd";
  return isMoney ? jsonUsd(nanoUsd(BigInt(value))) : Number(value);
}
