/** One transaction for everything that came together, in two round trips or three. */

import { counterName } from "../../ledger/book.ts";
import type { Command, Outcome, Policy } from "../../ledger/command.ts";
import { decide } from "../../ledger/decide.ts";
import { countersOf } from "../../ledger/reach.ts";
import type { Changes, Rows } from "../../ledger/rows.ts";
import { LedgerUnavailable } from "../../ledger/store.ts";
import type { Client } from "./client.ts";
import { ensureCounters, loadAccounts, lockCounters } from "./load.ts";
import type { Memory } from "./memory.ts";
import { save } from "./save.ts";

export interface Committer {
  readonly client: Client;
  /** Unlike that of any other, also in other processes. */
  readonly name: string;
  readonly memory: Memory;
  readonly policy: Policy;
}

/**
 * Every batch locks holds, then counters, then rollups, each in the order of their keys, so no two wait for each other.
 *
 * Once the counters are locked, what was read before them may be old. It does not matter. A hold is locked and a
 * posting never changes. Customers, keys and budgets are as they were after the batch began, so whoever changed one
 * and was answered before that is obeyed; a change in between is as good as one after. What else could have come in
 * between would be written a second time, under ids and names that are unique: a customer created, a call reserved
 * or a correction posted by another instance. That fails, and the batch is decided anew.
 */
export async function commitBatch(
  committer: Committer,
  commands: readonly Command[],
): Promise<readonly Outcome[]> {
  const { client, memory, policy } = committer;
  const { losses } = client;
  const rows = (await lockGuessed(committer, commands)) ?? (await lockInOrder(committer, commands));
  const { outcomes, changes } = decide(rows, commands, policy);
  requireUnbroken(client, losses);
  if (isNothing(changes)) await client.run("rollback");
  else await commit(client, () => save(client, changes, rows));
  memory.note(rows, changes);
  return outcomes;
}

/** Locks what the batch will probably move while it reads what it really moves. Undefined where the two differ. */
async function lockGuessed(
  { client, name, memory, policy }: Committer,
  commands: readonly Command[],
): Promise<Rows | undefined> {
  const guess = memory.guess(commands, policy);
  if (guess === undefined) return undefined;
  const [, accounts, counters] = await Promise.all([
    begin(client, name),
    loadAccounts(client, commands, policy),
    lockCounters(client, guess),
  ]);
  const wanted = countersOf(commands, accounts, policy);
  if (wanted.every((key) => counters.has(counterName(key)))) return { ...accounts, counters };
  // Locks that are missing must not be taken after others that come later in the order.
  await client.run("rollback");
  return undefined;
}

async function lockInOrder(
  { client, name, policy }: Committer,
  commands: readonly Command[],
): Promise<Rows> {
  const [, accounts] = await Promise.all([
    begin(client, name),
    loadAccounts(client, commands, policy),
  ]);
  const counters = await ensureCounters(client, countersOf(commands, accounts, policy));
  return { ...accounts, counters };
}

/**
 * A batch whose connection was lost may still be at work in the server. The next attempt waits for this lock, and with
 * it for the end of the former, and then sees what became of it. The transaction's own id is taken before any place in
 * a log is, because a reader tells by the ids which places may still be filled.
 */
async function begin(client: Client, name: string): Promise<void> {
  await Promise.all([
    client.run("begin isolation level read committed"),
    client.run("select pg_advisory_xact_lock(hashtextextended($1, 0)), pg_current_xact_id()", [
      name,
    ]),
  ]);
}

async function commit(client: Client, write: () => Promise<void>): Promise<void> {
  const { losses } = client;
  await Promise.all([write(), client.run("commit")]);
  requireUnbroken(client, losses);
}

/** On a connection that was opened since, neither the locks nor the transaction exist. */
function requireUnbroken(client: Client, losses: number): void {
  if (client.losses !== losses) {
    throw new LedgerUnavailable("the connection was lost", { inDoubt: true });
  }
}

/** Refusals and repetitions; even the rows that were made to be locked may go. */
function isNothing(changes: Changes): boolean {
  return Object.values(changes).every((rows: readonly unknown[]) => rows.length === 0);
}
