/** The port for telling: the log of what happened, who is told of it, and how far that has come. */

import type { NanoUsd } from "../money/amount.ts";
import type { Posting } from "./book.ts";
import type { EventType, LedgerEvent } from "./event.ts";

export interface Outbox {
  readonly events: EventLog;
  readonly postings: Log<Posting>;
  readonly readers: Readers;
  readonly leases: Leases;
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly exports: Exports;
}

/** A row of a log, by its place in it. */
export interface Numbered<Item> {
  readonly seq: bigint;
  readonly item: Item;
}

/** Rows in the order that they were written in, for readers that go on where they stopped. */
export interface Log<Item> {
  /** Up to `limit` rows after a place. A row that one still to be committed could come before is kept for later. */
  read(after: bigint, limit: number): Promise<readonly Numbered<Item>[]>;
}

export interface EventLog extends Log<LedgerEvent> {
  /** For what no command makes true. One whose id was written before is not written again. */
  add(event: LedgerEvent): Promise<void>;
  /** The event of this id, as long as it is kept. */
  find(id: string): Promise<Numbered<LedgerEvent> | undefined>;
  /** Up to `limit` events after a place that happened from `since` up to `until`. */
  between(span: Span, after: bigint, limit: number): Promise<readonly Numbered<LedgerEvent>[]>;
  /** Forgets some thousands of those that happened before this time. */
  prune(before: number): Promise<void>;
}

/** Epoch milliseconds; the end is not part of it. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

/** How far a reader of a log has come, and what it has passed on. */
export interface Reading {
  readonly seq: bigint;
  readonly rows: bigint;
  readonly charge: NanoUsd;
}

export interface Readers {
  at(name: string): Promise<Reading>;
  /** Moves on from `from`, and adds to what was passed on. False if somebody else has moved it. */
  advance(name: string, from: bigint, by: Reading): Promise<boolean>;
}

/** Work that one instance does at a time. */
export interface Leases {
  /** True if it is the holder's until then: it was nobody's, its own, or had run out. */
  take(name: string, lease: Lease): Promise<boolean>;
  /** Gives back all that the holder has. */
  leave(holder: string): Promise<void>;
}

export interface Lease {
  readonly holder: string;
  readonly now: number;
  readonly until: number;
}

/** Who is told. What is known of the address of the operator's own stays in the configuration. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** Null for all. */
  readonly types: readonly EventType[] | null;
  /** Null for all. */
  readonly customers: readonly string[] | null;
  /** Spend is sent as lists of some seconds' events. */
  readonly batch: boolean;
  /** Sealed; the first one is the current one. */
  readonly secrets: readonly SealedSecret[];
  readonly createdAt: number;
  /** Events up to this place happened before it was made. */
  readonly afterSeq: bigint;
  readonly disabledAt: number | null;
  readonly disabledBecause: string | null;
  /** Since when every attempt has failed; null while they arrive. */
  readonly failingSince: number | null;
}

export interface SealedSecret {
  readonly sealed: string;
  /** Signs no more from then on; null for the current one. */
  readonly until: number | null;
}

export type EndpointChange = Partial<Omit<Endpoint, "id" | "createdAt" | "afterSeq">>;

export interface Endpoints {
  /** From the oldest to the newest. */
  list(): Promise<readonly Endpoint[]>;
  find(id: string): Promise<Endpoint | undefined>;
  add(endpoint: Omit<Endpoint, "afterSeq">): Promise<void>;
  /** False if there is none. */
  change(id: string, change: EndpointChange): Promise<boolean>;
  remove(id: string): Promise<boolean>;
}

/** `failed`: given up after days, and kept for a replay. */
export type DeliveryState = "waiting" | "delivered" | "failed";

/** One try. */
export interface AttemptRecord {
  readonly at: number;
  /** Null where no answer came. */
  readonly status: number | null;
  readonly ms: number;
  readonly error: string | null;
}

/** One event on its way to one endpoint. */
export interface Delivery {
  readonly endpoint: string;
  /** The event's place in the log. */
  readonly seq: bigint;
  readonly eventId: string;
  readonly type: EventType;
  readonly customer: string | null;
  readonly createdAt: number;
  readonly state: DeliveryState;
  /** Null once it has ended. */
  readonly dueAt: number | null;
  readonly attempts: number;
  /** The last few. */
  readonly log: readonly AttemptRecord[];
  /** Of those that travel as one message. */
  readonly batch: string | null;
}

export interface DueDelivery extends Delivery {
  readonly event: LedgerEvent;
}

export interface DeliveryFilter {
  readonly endpoint?: string;
  readonly state?: DeliveryState;
  readonly customer?: string;
  readonly eventId?: string;
  /** Only those before this place. */
  readonly before?: bigint;
  readonly limit: number;
}

/** What became of deliveries that share a message. */
export interface DeliveryChange {
  readonly state: DeliveryState;
  readonly dueAt: number | null;
  readonly attempts: number;
  readonly log: readonly AttemptRecord[];
  readonly keptUntil: number;
}

/** What is made of an event for an endpoint. */
export interface NewDelivery extends Pick<
  Delivery,
  "endpoint" | "seq" | "eventId" | "type" | "customer" | "createdAt"
> {
  readonly dueAt: number;
  readonly keptUntil: number;
}

export interface Deliveries {
  /** One that exists is left as it is or, for a replay, begins again. */
  add(deliveries: readonly NewDelivery[], existing: "keep" | "restart"): Promise<void>;
  /** Longest due first, and in the order of the log. */
  due(endpoint: string, now: number, limit: number): Promise<readonly DueDelivery[]>;
  /** Before they are sent for the first time, so that a later attempt is the same message. */
  join(endpoint: string, seqs: readonly bigint[], batch: string): Promise<void>;
  record(endpoint: string, seqs: readonly bigint[], change: DeliveryChange): Promise<void>;
  /** Newest first. */
  list(filter: DeliveryFilter): Promise<readonly Delivery[]>;
  /** Those that failed begin again: some thousands of them; answers how many. */
  restartFailed(endpoint: string, now: number): Promise<number>;
  /** Forgets some thousands of an endpoint's; answers how many. */
  forget(endpoint: string): Promise<number>;
  /** Forgets some thousands of those whose time is over. */
  prune(now: number): Promise<void>;
  /** How many wait, for all endpoints. */
  waiting(): Promise<bigint>;
}

/** A posting that a billing system would not take. */
export interface Rejection {
  readonly export: string;
  readonly seq: bigint;
  readonly posting: string;
  readonly customer: string;
  readonly at: number;
  readonly charge: NanoUsd;
  readonly status: number;
  readonly error: string;
}

export interface Total {
  readonly postings: bigint;
  readonly charge: NanoUsd;
}

/** What billing systems were told of the postings, beside what `Readers` says they took. */
export interface Exports {
  /** One that is there already stays as it is. */
  reject(rejections: readonly Rejection[]): Promise<void>;
  rejections(name: string): Promise<readonly Rejection[]>;
  /** Σ of the postings that charge a customer something, up to a place in the log. */
  charged(upTo: bigint): Promise<Total>;
  /** No longer rejected, but taken; false if somebody else was faster. */
  accept(name: string, seq: bigint): Promise<boolean>;
}
