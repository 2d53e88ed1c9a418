/** What the admin routes ask of whoever delivers events. */

import type { Delivery, DeliveryFilter, Endpoint, Span } from "../ledger/outbox.ts";

export interface Webhooks {
  list(): Promise<readonly Endpoint[]>;
  find(id: string): Promise<Endpoint | undefined>;
  deliveries(filter: DeliveryFilter): Promise<readonly Delivery[]>;
  /** What is wrong with an address, as far as its text tells. */
  urlFault(url: string): string | null;
  add(wish: Wish, secret: string | null): Promise<{ readonly id: string; readonly secret: string }>;
  /** False if there is no such endpoint. */
  change(id: string, change: Partial<Wish> & { readonly isDisabled?: boolean }): Promise<boolean>;
  remove(id: string): Promise<boolean>;
  /** Undefined if there is no such endpoint; so below. */
  rotate(id: string, overlapMs: number, secret: string | null): Promise<string | undefined>;
  test(id: string): Promise<Attempt | undefined>;
  /** How many deliveries begin again. */
  replay(id: string, replay: Replay): Promise<number | undefined>;
}

/** What an administrator says of an endpoint. */
export type Wish = Pick<Endpoint, "url" | "description" | "types" | "customers" | "batch">;

export type Attempt =
  | { readonly kind: "delivered"; readonly status: number }
  | { readonly kind: "failed"; readonly status: number | null; readonly reason: string };

/** Deliveries that are to begin again, under the ids that they had. */
export type Replay =
  | { readonly kind: "event"; readonly id: string }
  | { readonly kind: "span"; readonly span: Span }
  | { readonly kind: "failed" };
