/** How far the readers of the logs have come, and which instance does what only one should do at a time. */

import type { Leases, Readers } from "../ledger/outbox.ts";
import { nanoUsd } from "../money/amount.ts";
import type { Database } from "./database.ts";

export function createReaders({ query }: Database, reading: Database): Readers {
  return {
    async at(name) {
      const row = await reading.query
        .selectFrom("readers")
        .selectAll()
        .where("name", "=", name)
        .executeTakeFirst();
      const { seq, rows, charge } = row ?? { seq: 0n, rows: 0n, charge: 0n };
      return { seq, rows, charge: nanoUsd(charge) };
    },
    async advance(name, from, { seq, rows, charge }) {
      const moved = await query
        .insertInto("readers")
        .values({ name, seq, rows, charge })
        .onConflict((conflict) =>
          conflict
            .column("name")
            .doUpdateSet(({ eb }) => ({
              seq,
              rows: eb("readers.rows", "+", rows),
              charge: eb("readers.charge", "+", charge),
            }))
            .where("readers.seq", "=", from),
        )
        .returning("name")
        .execute();
      return moved.length > 0;
    },
  };
}

export function createLeases({ flavour, query }: Database): Leases {
  return {
    async take(name, { holder, now, until }) {
      const lease = { holder, until: BigInt(until) };
      const taken = await query
        .insertInto("leases")
        .values({ name, ...lease })
        .onConflict((conflict) => {
          const update = conflict.column("name").doUpdateSet(lease);
          // Whoever opened a SQLite file owns it alone, so every other holder is dead.
          if (flavour === "sqlite") return update;
          return update.where((where) =>
            where.or([
              where("leases.holder", "=", holder),
              where("leases.until", "<=", BigInt(now)),
            ]),
          );
        })
        .returning("name")
        .execute();
      return taken.length > 0;
    },
    async leave(holder) {
      await query.deleteFrom("leases").where("holder", "=", holder).execute();
    },
  };
}
