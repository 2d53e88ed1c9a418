/** What an attempt means for the deliveries that it was made for. */

import type { AttemptRecord, DeliveryChange } from "../ledger/outbox.ts";
import { backoffMs, type Backoff } from "./backoff.ts";
import type { Attempt } from "./deliver.ts";
import type { Parcel } from "./parcel.ts";

const DAY_MS = 86_400_000;

/** Of one message. */
const RETRY: Backoff = { firstMs: 1_000, maxMs: 3_600_000 };

/** Three days outlast a weekend. What is given up then is kept for a replay. */
const GIVE_UP_MS = 3 * DAY_MS;

/** Longer than any delivery is tried, and than an endpoint is kept on that fails; as long a replay can begin. */
export const EVENT_RETENTION_MS = 14 * DAY_MS;

/** Delivered events are kept on the list for a look at what was sent. The postings keep the facts for good. */
const DELIVERED_RETENTION_MS = DAY_MS;

/** The last ones of some hundred tell what is wrong. */
const ATTEMPTS_KEPT = 10;

export interface Tried {
  readonly attempt: Attempt;
  readonly startedAt: number;
  readonly endedAt: number;
}

export function verdict(parcel: Parcel, tried: Tried, random: () => number): DeliveryChange {
  const [{ attempts, log, createdAt }] = parcel.deliveries;
  const { attempt, startedAt, endedAt } = tried;
  const record: AttemptRecord = {
    at: startedAt,
    status: attempt.status,
    ms: endedAt - startedAt,
    error: attempt.kind === "failed" ? attempt.reason : null,
  };
  const done = { attempts: attempts + 1, log: [...log, record].slice(-ATTEMPTS_KEPT) };
  const kept = (ms: number): number => endedAt + ms;
  if (attempt.kind === "delivered") {
    return { ...done, state: "delivered", dueAt: null, keptUntil: kept(DELIVERED_RETENTION_MS) };
  }
  const dueAt = endedAt + backoffMs(attempts + 1, RETRY, random);
  const keptUntil = kept(EVENT_RETENTION_MS);
  return dueAt - createdAt > GIVE_UP_MS
    ? { ...done, state: "failed", dueAt: null, keptUntil }
    : { ...done, state: "waiting", dueAt, keptUntil };
}
