/** One transaction for everything that came together, in three round trips. */

import type { Command, Outcome, Policy } from "../../ledger/command.ts";
import { decide } from "../../ledger/decide.ts";
import { countersOf } from "../../ledger/reach.ts";
import type { Changes } from "../../ledger/rows.ts";
import { LedgerUnavailable } from "../../ledger/store.ts";
import type { Client } from "./client.ts";
import { loadAccounts, lockCounters } from "./load.ts";
import { save } from "./save.ts";

/**
 * Every batch locks holds, then counters, then rollups, each in the order of their keys, so no two wait for each other.
 *
 * Once the counters are locked, what was read before them may be old. It does not matter. A hold is locked and a
 * posting never changes. Customers, keys and budgets are as they were after the batch began, so whoever changed one
 * and was answered before that is obeyed; a change in between is as good as one after. What else could have come in
 * between would be written a second time, under ids and names that are unique: a customer created, a call reserved
 * or a correction posted by another instance. That fails, and the batch is decided anew.
 *
 * `begin` opens the transaction.
 */
export async function commitBatch(
  client: Client,
  commands: readonly Command[],
  { begin, policy }: { readonly begin: string; readonly policy: Policy },
): Promise<readonly Outcome[]> {
  const { losses } = client;
  const [, accounts] = await Promise.all([
    client.run(begin),
    loadAccounts(client, commands, policy),
  ]);
  const counters = await lockCounters(client, countersOf(commands, accounts, policy));
  const rows = { ...accounts, counters };
  const { outcomes, changes } = decide(rows, commands, policy);
  requireUnbroken(client, losses);
  if (isNothing(changes)) await client.run("rollback");
  else await commit(client, () => save(client, changes, rows));
  return outcomes;
}

/** Once `commit` is under way, a lost connection leaves open what became of it. */
async function commit(client: Client, write: () => Promise<void>): Promise<void> {
  const { losses } = client;
  try {
    await Promise.all([write(), client.run("commit")]);
    requireUnbroken(client, losses);
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    throw new LedgerUnavailable(error.message, { cause: error, inDoubt: true });
  }
}

/** On a connection that was opened since, neither the locks nor the transaction exist. */
function requireUnbroken(client: Client, losses: number): void {
  if (client.losses !== losses) throw new LedgerUnavailable("the connection was lost");
}

/** Refusals and repetitions; even the rows that were made to be locked may go. */
function isNothing(changes: Changes): boolean {
  return Object.values(changes).every((rows: readonly unknown[]) => rows.length === 0);
}
