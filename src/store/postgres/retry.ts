/** Which failures of a transaction are worth another attempt. The commands carry ids, so an attempt may repeat them. */

import postgres from "postgres";
import { LedgerUnavailable } from "../../ledger/store.ts";
import { unavailableBecause } from "../queue.ts";
import type { Client } from "./client.ts";

/**
 * Serialization failure, deadlock, and a row that somebody else wrote first. Each attempt sees all that got in the
 * way of the one before, and what got in the way is a batch that succeeded, so instances cannot block each other.
 */
const CONFLICT_CODES = new Set(["40001", "40P01", "23505"]);
const CONFLICT_RETRIES_MAX = 10;

/** A connection may have died while it was idle. A server that is not back at once is not for seconds. */
const LOSS_RETRIES_MAX = 1;

export async function withRetries<T>(client: Client, attempt: () => Promise<T>): Promise<T> {
  const retries = { conflict: CONFLICT_RETRIES_MAX, loss: LOSS_RETRIES_MAX };
  let inDoubt = false;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const failure = failureOf(error);
      if (!(error instanceof LedgerUnavailable)) await rollback(client);
      if (failure === "impossible") throw error;
      const unavailable = unavailableBecause(error);
      inDoubt ||= unavailable.inDoubt;
      if (failure === "refused" || retries[failure] === 0) {
        throw new LedgerUnavailable(unavailable.message, { cause: error, inDoubt });
      }
      retries[failure] -= 1;
    }
  }
}

/**
 * `impossible`: a command that the ledger or the database cannot take, so it must not be tried together with others
 * again. `refused`: there is no server, or it has a reason of its own, such as a full disk or a lock not given back.
 */
type Failure = "conflict" | "loss" | "impossible" | "refused";

function failureOf(error: unknown): Failure {
  if (error instanceof LedgerUnavailable) return error.inDoubt ? "loss" : "refused";
  if (!(error instanceof postgres.PostgresError)) return "impossible";
  if (CONFLICT_CODES.has(error.code)) return "conflict";
  return /^2[23]/.test(error.code) ? "impossible" : "refused";
}

/** Where it fails the connection is lost, and the transaction with it. */
async function rollback(client: Client): Promise<void> {
  await client.run("rollback").catch(() => undefined);
}
