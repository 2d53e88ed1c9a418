/** Who is alive, and whose calls nobody answers for any more. */

import type { Instances } from "../ledger/store.ts";
import type { Database } from "./database.ts";
import { holdOf } from "./rows.ts";

export function createInstances({ flavour, query }: Database): Instances {
  return {
    async beat(id, now) {
      const seen = { seen_at: BigInt(now) };
      await query
        .insertInto("instances")
        .values({ id, ...seen })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(seen))
        .execute();
    },
    async orphans(self, seenBefore) {
      const alive = query
        .selectFrom("instances")
        .select("id")
        .where("seen_at", ">=", BigInt(seenBefore));
      const rows = await query
        .selectFrom("holds")
        .selectAll()
        .where("instance", "!=", self)
        // Whoever opened a SQLite file owns it alone, so every other instance is dead, however lately it was seen.
        .$if(flavour === "postgres", (holds) => holds.where("instance", "not in", alive))
        .orderBy("id")
        .execute();
      return rows.map(holdOf);
    },
    async leave(id) {
      await query.deleteFrom("instances").where("id", "=", id).execute();
    },
  };
}
