/** What endpoints and deliveries look like as rows, and what the port makes of them. */

import type { EventType } from "../ledger/event.ts";
import type {
  AttemptRecord,
  Delivery,
  DeliveryState,
  Endpoint,
  SealedSecret,
} from "../ledger/outbox.ts";

export interface EndpointRow {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly types: string | null;
  readonly customers: string | null;
  readonly batch: bigint;
  readonly secrets: string;
  readonly created_at: bigint;
  readonly after_seq: bigint;
  readonly disabled_at: bigint | null;
  readonly disabled_because: string | null;
  readonly failing_since: bigint | null;
}

/** Whose place in the log the database fills in. */
export type NewEndpointRow = Omit<EndpointRow, "id" | "created_at" | "after_seq">;

export interface DeliveryRow {
  readonly endpoint: string;
  readonly seq: bigint;
  readonly event_id: string;
  readonly type: EventType;
  readonly customer: string | null;
  readonly created_at: bigint;
  readonly state: DeliveryState;
  readonly due_at: bigint | null;
  readonly attempts: bigint;
  readonly log: string;
  readonly batch: string | null;
  readonly kept_until: bigint;
}

export interface ReaderRow {
  readonly name: string;
  readonly seq: bigint;
  readonly rows: bigint;
  readonly charge: bigint;
}

export interface LeaseRow {
  readonly name: string;
  readonly holder: string;
  readonly until: bigint;
}

export interface RejectionRow {
  readonly export: string;
  readonly seq: bigint;
  readonly posting: string;
  readonly customer: string;
  readonly at: bigint;
  readonly charge: bigint;
  readonly status: bigint;
  readonly error: string;
}

export function endpointOf(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    types: row.types === null ? null : (JSON.parse(row.types) as EventType[]),
    customers: row.customers === null ? null : (JSON.parse(row.customers) as string[]),
    batch: Boolean(row.batch),
    secrets: JSON.parse(row.secrets) as SealedSecret[],
    createdAt: Number(row.created_at),
    afterSeq: row.after_seq,
    disabledAt: instantOf(row.disabled_at),
    disabledBecause: row.disabled_because,
    failingSince: instantOf(row.failing_since),
  };
}

export function deliveryOf(row: DeliveryRow): Delivery {
  const { endpoint, seq, event_id: eventId, type, customer, state, batch } = row;
  return {
    endpoint,
    seq,
    eventId,
    type,
    customer,
    state,
    batch,
    createdAt: Number(row.created_at),
    dueAt: instantOf(row.due_at),
    attempts: Number(row.attempts),
    log: JSON.parse(row.log) as AttemptRecord[],
  };
}

function instantOf(column: bigint | null): number | null {
  return column === null ? null : Number(column);
}
