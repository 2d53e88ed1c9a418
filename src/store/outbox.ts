/** Events on their way out: rows that the ledger wrote beside its postings, leased to whoever delivers them. */

import type { Outbox, QueuedEvent } from "../ledger/store.ts";
import type { Database } from "./database.ts";
import { eventOf } from "./rows.ts";

/** An error is kept for people to read; the answer of a broken receiver may be a whole page. */
const ERROR_CHARS_MAX = 1_000;

/** Some 20 ms of the thread that also commits calls; what is left over goes with the next time. */
const PRUNE_MAX = 5_000;

export function createOutbox(database: Database): Outbox {
  const { query } = database;
  return {
    take: (limit, now, leaseMs) => lease(database, limit, { now, leaseMs }),
    async delivered(id, at) {
      const change = { delivered_at: BigInt(at), last_error: null };
      await query.updateTable("outbox").set(change).where("id", "=", id).execute();
    },
    async failed(id, retryAt, error) {
      await query
        .updateTable("outbox")
        .set(({ eb }) => ({
          attempts: eb("attempts", "+", 1n),
          due_at: BigInt(retryAt),
          last_error: error.replaceAll("\u0000", "\uFFFD").slice(0, ERROR_CHARS_MAX),
        }))
        .where("id", "=", id)
        .execute();
    },
    async prune(deliveredBefore) {
      const old = query
        .selectFrom("outbox")
        .select("seq")
        .where("delivered_at", "<", BigInt(deliveredBefore))
        .limit(PRUNE_MAX);
      await query.deleteFrom("outbox").where("seq", "in", old).execute();
    },
    async pending() {
      const { waiting } = await query
        .selectFrom("outbox")
        .select(({ fn }) => fn.countAll<bigint>().as("waiting"))
        .where("delivered_at", "is", null)
        .executeTakeFirstOrThrow();
      return waiting;
    },
  };
}

async function lease(
  { flavour, query }: Database,
  limit: number,
  { now, leaseMs }: { readonly now: number; readonly leaseMs: number },
): Promise<readonly QueuedEvent[]> {
  const due = query
    .selectFrom("outbox")
    .select("seq")
    .where("delivered_at", "is", null)
    .where("due_at", "<=", BigInt(now))
    // In the order of the index, which is the only one that a long queue can be taken in.
    .orderBy("due_at")
    .orderBy("seq")
    .limit(limit)
    // SQLite has one writer, so no two instances ever look at the same time.
    .$if(flavour === "postgres", (rows) => rows.forUpdate().skipLocked());
  const taken = await query
    .updateTable("outbox")
    .set({ due_at: BigInt(now + leaseMs) })
    .where("seq", "in", due)
    .returningAll()
    .execute();
  return taken.sort((a, b) => (a.seq < b.seq ? -1 : 1)).map(eventOf);
}
