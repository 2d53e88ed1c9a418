/** Answers by the names that callers gave their calls, each claimed by one call at a time. */

import type { Answers, Claim, Claimed } from "../ledger/store.ts";
import type { Database } from "./database.ts";

/** Some milliseconds of the thread that also commits calls; what is left over goes with the next time. */
const PRUNE_MAX = 1_000;

export function createAnswers({ query }: Database): Answers {
  return {
    async claim(claim, staleBefore) {
      const { caller, name, request, call, at } = claim;
      const row = { request, call, claimed_at: BigInt(at), answer: null };
      const taken = await query
        .insertInto("answers")
        .values({ caller, name, ...row })
        .onConflict((conflict) =>
          conflict
            .columns(["caller", "name"])
            .doUpdateSet(row)
            .where("answers.answer", "is", null)
            .where("answers.claimed_at", "<", BigInt(staleBefore)),
        )
        .returning("call")
        .execute();
      return taken.length > 0 ? { kind: "taken" } : claimedBefore(query, claim);
    },
    async keep(claim, answer) {
      const { caller, name, call } = claim;
      await query
        .updateTable("answers")
        .set({ answer })
        .where("caller", "=", caller)
        .where("name", "=", name)
        .where("call", "=", call)
        .execute();
    },
    async letGo(claim) {
      const { caller, name, call } = claim;
      await query
        .deleteFrom("answers")
        .where("caller", "=", caller)
        .where("name", "=", name)
        .where("call", "=", call)
        .execute();
    },
    async prune(claimedBefore) {
      const old = query
        .selectFrom("answers")
        .select("call")
        .where("claimed_at", "<", BigInt(claimedBefore))
        .limit(PRUNE_MAX);
      await query.deleteFrom("answers").where("call", "in", old).execute();
    },
  };
}

async function claimedBefore(query: Database["query"], claim: Claim): Promise<Claimed> {
  const row = await query
    .selectFrom("answers")
    .select(["request", "answer"])
    .where("caller", "=", claim.caller)
    .where("name", "=", claim.name)
    .executeTakeFirst();
  // Whoever had the name has just let it go; asking again will take it.
  if (row === undefined) return { kind: "in_flight" };
  if (row.request !== claim.request) return { kind: "other_request" };
  return row.answer === null ? { kind: "in_flight" } : { kind: "answered", answer: row.answer };
}
