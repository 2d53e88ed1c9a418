/** The tables that are only added to, as logs. */

import { sql } from "kysely";
import type { Posting } from "../ledger/book.ts";
import type { LedgerEvent } from "../ledger/event.ts";
import type { EventLog, Log, Numbered } from "../ledger/outbox.ts";
import type { Database } from "./database.ts";
import { Horizon, type LogTable } from "./horizon.ts";
import { eventOf, postingOf, type EventRow } from "./rows.ts";
import { EVENTS, namesOf, valuesOf } from "./tables.ts";

/** Some 20 ms of the thread that also commits calls; what is left over goes with the next time. */
const PRUNE_MAX = 5_000;

/** `reading` may be another connection than what writes. */
export function createEventLog(writing: Database, reading: Database): EventLog {
  const { query } = writing;
  const end = endOf(reading, "events");
  return {
    async read(after, limit) {
      const rows = reading.query.selectFrom("events").selectAll().where("seq", ">", after);
      const settled = rows.where("seq", "<=", await end());
      return (await settled.orderBy("seq").limit(limit).execute()).map(numberedEvent);
    },
    add: (event) => add(event, writing),
    async find(id) {
      const rows = reading.query.selectFrom("events").selectAll().where("id", "=", id);
      const row = await rows.executeTakeFirst();
      return row === undefined ? undefined : numberedEvent(row);
    },
    async between({ since, until }, after, limit) {
      const rows = reading.query.selectFrom("events").selectAll().where("seq", ">", after);
      const within = rows.where("at", ">=", BigInt(since)).where("at", "<", BigInt(until));
      return (await within.orderBy("seq").limit(limit).execute()).map(numberedEvent);
    },
    async prune(before) {
      const old = query.selectFrom("events").select("seq").where("at", "<", BigInt(before));
      await query.deleteFrom("events").where("seq", "in", old.limit(PRUNE_MAX)).execute();
    },
  };
}

export function createPostingLog(reading: Database): Log<Posting> {
  const end = endOf(reading, "postings");
  return {
    async read(after, limit) {
      const rows = reading.query.selectFrom("postings").selectAll().where("seq", ">", after);
      const settled = rows.where("seq", "<=", await end());
      const found = await settled.orderBy("seq").limit(limit).execute();
      return found.map((row) => ({ seq: row.seq, item: postingOf(row) }));
    },
  };
}

/** SQLite has one writer, so places are given in the order of the commits and whatever can be seen is final. */
function endOf(database: Database, table: LogTable): () => Promise<bigint> {
  if (database.flavour === "sqlite") return () => Promise.resolve(PLACE_MAX);
  const horizon = new Horizon(database, table);
  return () => horizon.look();
}

const PLACE_MAX = 2n ** 63n - 1n;

/** The id of the transaction is taken before the place is, as in a batch of commands. */
async function add(event: LedgerEvent, { flavour, query }: Database): Promise<void> {
  const values = sql.join(valuesOf(EVENTS, event).map((value) => sql`${value}`));
  const source = flavour === "sqlite" ? sql`` : sql`from (select pg_current_xact_id()) as begun`;
  const columns = sql.join(namesOf(EVENTS).map((name) => sql.ref(name)));
  await sql`
    insert into events (${columns}) select ${values} ${source} where true
    on conflict (id) do nothing`.execute(query);
}

function numberedEvent(row: EventRow): Numbered<LedgerEvent> {
  return { seq: row.seq, item: eventOf(row) };
}
