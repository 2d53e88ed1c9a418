/** Events on their way to endpoints. */

import type { Deliveries, DeliveryChange, DeliveryFilter, DueDelivery } from "../ledger/outbox.ts";
import type { Database } from "./database.ts";
import { deliveryOf } from "./delivery-rows.ts";
import { eventOf } from "./rows.ts";

/** Some 20 ms of the thread that also commits calls; what is left over goes with the next time. */
const STEP_MAX = 5_000;

/** An error is for people to read; one that a receiver worded may be a whole page, and hold what no column takes. */
const ERROR_CHARS_MAX = 300;

export function createDeliveries(writing: Database, reading: Database): Deliveries {
  return {
    add: (deliveries, existing) => add(deliveries, existing, writing),
    due: (endpoint, now, limit) => due(reading, endpoint, { now, limit }),
    async join(endpoint, seqs, batch) {
      const joined = writing.query.updateTable("deliveries").set({ batch });
      await joined.where("endpoint", "=", endpoint).where("seq", "in", seqs).execute();
    },
    async record(endpoint, seqs, change) {
      const recorded = writing.query.updateTable("deliveries").set(columnsOf(change));
      await recorded.where("endpoint", "=", endpoint).where("seq", "in", seqs).execute();
    },
    list: (filter) => list(reading, filter),
    restartFailed: (endpoint, now) => restartFailed(writing, endpoint, now),
    forget: (endpoint) => forget(writing, endpoint),
    prune: (now) => prune(writing, now),
    async waiting() {
      const { waiting } = await reading.query
        .selectFrom("deliveries")
        .select(({ fn }) => fn.countAll<bigint>().as("waiting"))
        .where("due_at", "is not", null)
        .executeTakeFirstOrThrow();
      return waiting;
    },
  };
}

function columnsOf({ state, dueAt, attempts, log, keptUntil }: DeliveryChange) {
  const storableLog = log.map((attempt) => ({ ...attempt, error: storable(attempt.error) }));
  return {
    state,
    due_at: dueAt === null ? null : BigInt(dueAt),
    attempts: BigInt(attempts),
    log: JSON.stringify(storableLog),
    kept_until: BigInt(keptUntil),
  };
}

async function restartFailed({ query }: Database, endpoint: string, now: number): Promise<number> {
  const ofEndpoint = query.selectFrom("deliveries").select("seq").where("endpoint", "=", endpoint);
  const failed = ofEndpoint.where("state", "=", "failed").orderBy("seq").limit(STEP_MAX);
  const at = BigInt(now);
  const restarted = await query
    .updateTable("deliveries")
    .set({ state: "waiting", due_at: at, attempts: 0n, created_at: at })
    .where("endpoint", "=", endpoint)
    .where("seq", "in", failed)
    .returning("seq")
    .execute();
  return restarted.length;
}

async function forget({ query }: Database, endpoint: string): Promise<number> {
  const some = query.selectFrom("deliveries").select("seq").where("endpoint", "=", endpoint);
  const forgotten = query.deleteFrom("deliveries").where("endpoint", "=", endpoint);
  const gone = forgotten.where("seq", "in", some.limit(STEP_MAX)).returning("seq");
  return (await gone.execute()).length;
}

async function prune({ query }: Database, now: number): Promise<void> {
  const over = query
    .selectFrom("deliveries")
    .select(["endpoint", "seq"])
    .where("kept_until", "<=", BigInt(now))
    .limit(STEP_MAX);
  await query
    .deleteFrom("deliveries")
    .where((where) =>
      where(where.refTuple("endpoint", "seq"), "in", over.$asTuple("endpoint", "seq")),
    )
    .execute();
}

async function add(
  deliveries: Parameters<Deliveries["add"]>[0],
  existing: Parameters<Deliveries["add"]>[1],
  { query }: Database,
): Promise<void> {
  if (deliveries.length === 0) return;
  const fresh = { state: "waiting", attempts: 0n, log: "[]", batch: null } as const;
  const rows = deliveries.map(({ endpoint, seq, eventId, type, customer, ...times }) => ({
    endpoint,
    seq,
    event_id: eventId,
    type,
    customer,
    ...fresh,
    created_at: BigInt(times.createdAt),
    due_at: BigInt(times.dueAt),
    kept_until: BigInt(times.keptUntil),
  }));
  await query
    .insertInto("deliveries")
    .values(rows)
    .onConflict((conflict) => {
      const known = conflict.columns(["endpoint", "seq"]);
      if (existing === "keep") return known.doNothing();
      return known.doUpdateSet((row) => ({
        state: row.ref("excluded.state"),
        due_at: row.ref("excluded.due_at"),
        attempts: row.ref("excluded.attempts"),
        created_at: row.ref("excluded.created_at"),
        kept_until: row.ref("excluded.kept_until"),
      }));
    })
    .execute();
}

async function due(
  { query }: Database,
  endpoint: string,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<readonly DueDelivery[]> {
  const rows = await query
    .selectFrom("deliveries")
    .innerJoin("events", "events.seq", "deliveries.seq")
    .selectAll("deliveries")
    .select(["events.id", "events.at", "events.data"])
    .where("endpoint", "=", endpoint)
    .where("due_at", "<=", BigInt(now))
    // In the order of the index, which is the only one that a long queue can be taken in.
    .orderBy("due_at")
    .orderBy("deliveries.seq")
    .limit(limit)
    .execute();
  return rows
    .map((row) => ({ ...deliveryOf(row), event: eventOf(row) }))
    .sort((a, b) => (a.seq < b.seq ? -1 : 1));
}

async function list({ query }: Database, filter: DeliveryFilter) {
  const { endpoint, state, customer, eventId, before, limit } = filter;
  const rows = await query
    .selectFrom("deliveries")
    .selectAll()
    .$if(endpoint !== undefined, (all) => all.where("endpoint", "=", endpoint ?? ""))
    .$if(state !== undefined, (all) => all.where("state", "=", state ?? "failed"))
    .$if(customer !== undefined, (all) => all.where("customer", "=", customer ?? ""))
    .$if(eventId !== undefined, (all) => all.where("event_id", "=", eventId ?? ""))
    .$if(before !== undefined, (all) => all.where("seq", "<", before ?? 0n))
    .orderBy("seq", "desc")
    .orderBy("endpoint")
    .limit(limit)
    .execute();
  return rows.map(deliveryOf);
}

function storable(error: string | null): string | null {
  return error?.replaceAll("\u0000", "\uFFFD").slice(0, ERROR_CHARS_MAX) ?? null;
}
