/** Keeps the ledger tidy beside the calls: shows that this instance lives, and ends what dead ones left open. */

import type { Expire } from "../ledger/command.ts";
import type { LedgerStore } from "../ledger/store.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Spool } from "./spool.ts";

/** Six missed beats: a process that is only slow must not be taken for dead, though a late settle mends even that. */
const BEAT_MS = 5_000;
const DEAD_AFTER_MS = 30_000;

/** Holds that are ended in one go. */
const EXPIRE_BATCH_MAX = 500;

/** As long as Stripe keeps its own: whoever tries again does so within minutes. */
const ANSWERS_KEPT_MS = 86_400_000;

export interface Keeping {
  readonly instance: string;
  readonly ledger: LedgerStore;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Caretaker {
  stop(): Promise<void>;
}

/** Resolves after the first round, so that nothing is served before what the last run left open has been resolved. */
export async function startCaretaker(keeping: Keeping): Promise<Caretaker> {
  const report = (error: unknown) => {
    keeping.log.warn({ err: error }, "the ledger cannot be tended to");
  };
  await round(keeping);
  let rounds = Promise.resolve();
  const timer = setInterval(() => {
    rounds = rounds.then(() => round(keeping)).catch(report);
  }, BEAT_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await rounds;
      // A database that is away now finds out by the beats that are missing.
      await keeping.ledger.instances.leave(keeping.instance).catch(report);
    },
  };
}

/** What was answered is settled before what was not is given up: the spool may hold the end of an orphan. */
async function round({ instance, ledger, spool, clock, log }: Keeping): Promise<void> {
  const now = clock.now();
  await ledger.instances.beat(instance, now);
  try {
    const replayed = await spool.replay((commands) => ledger.apply(commands));
    if (replayed > 0)
      log.info({ replayed }, "settled what was kept on disk while the database was away");
  } catch (error) {
    // What the ledger cannot take stays kept; it must not keep the dead from being buried as well.
    log.error(
      { err: error, pending: spool.pending },
      "calls that were kept on disk cannot be settled",
    );
  }
  await ledger.answers.prune(now - ANSWERS_KEPT_MS);
  const orphans = await ledger.instances.orphans(instance, now - DEAD_AFTER_MS);
  for (let at = 0; at < orphans.length; at += EXPIRE_BATCH_MAX) {
    const batch = orphans.slice(at, at + EXPIRE_BATCH_MAX);
    await ledger.apply(batch.map(({ id }): Expire => ({ kind: "expire", id, at: now })));
  }
  if (orphans.length > 0) log.warn({ holds: orphans.length }, "ended the holds of a dead instance");
}
