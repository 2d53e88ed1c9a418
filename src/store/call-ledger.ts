/** The ledger as a call uses it: one command at a time, and an end that survives the database being away. */

import type { Check, Outcome, Reserve } from "../ledger/command.ts";
import { LedgerUnavailable, type CallEnd, type CallLedger } from "../ledger/store.ts";
import type { LedgerStore } from "../ledger/store.ts";
import { ZERO_USD } from "../money/amount.ts";
import type { Spool } from "./spool.ts";

/** `onPosted` is told of every posting, to wake whoever delivers its events. */
export function createCallLedger(
  ledger: Pick<LedgerStore, "apply">,
  spool: Spool,
  onPosted: () => void,
): CallLedger {
  async function apply(command: Reserve | Check | CallEnd): Promise<Outcome> {
    const [outcome] = await ledger.apply([command]);
    if (outcome === undefined) throw new Error(`no outcome for ${command.kind} ${command.id}`);
    return outcome;
  }

  return {
    async reserve(command) {
      try {
        return await apply(command);
      } catch (error) {
        await letGo(command, error, spool);
        throw error;
      }
    },
    check: apply,
    async end(command) {
      try {
        const outcome = await apply(command);
        if (outcome.kind !== "posted") throw new Error(`${command.id} cannot be ended`);
        onPosted();
        return { charge: outcome.posting.charge, standing: outcome.standing };
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error;
        await spool.keep(command);
        return { charge: command.kind === "settle" ? command.charge : ZERO_USD, standing: null };
      }
    },
  };
}

/**
 * A connection that broke during the commit leaves open whether the hold was taken; then it must be given back. That
 * of an earlier attempt is there in any case, and is ended by what that attempt cost.
 */
async function letGo({ id, at, facts }: Reserve, error: unknown, spool: Spool): Promise<void> {
  if (!(error instanceof LedgerUnavailable) || !error.inDoubt) return;
  if (facts.attempts !== undefined) return;
  await spool.keep({ kind: "release", id, at, note: "the database broke off" });
}
