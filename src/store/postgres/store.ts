/** The ledger in PostgreSQL, which any number of instances share. */

import type { Command, Outcome, Policy } from "../../ledger/command.ts";
import type { LedgerStore } from "../../ledger/store.ts";
import { newId } from "../../platform/clock.ts";
import { createDatabase, type Database } from "../database.ts";
import { createInstances } from "../instances.ts";
import { createAnswers } from "../answers.ts";
import { createOutbox } from "../outbox.ts";
import { CommitQueue, unavailableBecause, weightOf, writesAccounts } from "../queue.ts";
import { createReader, type OpenReader } from "../reader.ts";
import { shareOut } from "../share.ts";
import { commitBatch, type Committer } from "./batch.ts";
import { Client } from "./client.ts";
import { Memory } from "./memory.ts";
import { migrate, requireMigrated } from "./migrate.ts";
import { withRetries } from "./retry.ts";

/** A batch takes milliseconds. What takes this long is a server or a network that is gone. */
const DEADLINE_MS = 10_000;

/** Point reads and the outbox; they must not crowd out the connections of other instances. */
const QUERY_CONNECTIONS = 4;

/** Reports are read in pages, and a page that takes this long is of a report nobody waits for any more. */
const REPORT_DEADLINE_MS = 60_000;

/** Whoever asks for more reports at once waits. */
const REPORT_CONNECTIONS = 2;

/** Reports go by index too, whatever the statistics say; what has been given up is not worked at any longer. */
const REPORT_SETTINGS = {
  enable_seqscan: "off",
  statement_timeout: String(REPORT_DEADLINE_MS),
};

/** Of the connection that commits. */
const COMMIT_SETTINGS = {
  // A server may be set to answer before it has written; what Purser answers is on the disk.
  synchronous_commit: "on",
  // An instance that stops in the middle of a batch gives back its locks after this long, in milliseconds …
  idle_in_transaction_session_timeout: "5000",
  // … for which others wait no longer than this.
  lock_timeout: "6000",
  // Every statement reads by key, also when the statistics still say that the table is small.
  enable_seqscan: "off",
  plan_cache_mode: "force_generic_plan",
};

export async function openPostgres(url: string, policy: Policy): Promise<LedgerStore> {
  await once(url, (client) => migrate(client));
  const committer = openCommitter(url, policy);
  const { client } = committer;
  const queue = new CommitQueue<readonly Command[], readonly Outcome[]>({
    async commit(batch) {
      const commands = batch.flat();
      return shareOut(batch, await withRetries(client, () => commitBatch(committer, commands)));
    },
    weightOf,
    standsAlone: writesAccounts,
  });
  const reading = openReading(url);
  return {
    apply: (commands) => queue.push(commands),
    read: reading.reader,
    outbox: createOutbox(reading.database, reading.database),
    answers: createAnswers(reading.database),
    instances: createInstances(reading.database),
    async close() {
      await queue.close();
      await Promise.all([client.close(), reading.close()]);
    },
  };
}

/** Reads beside the instances that write. */
export async function openPostgresReader(url: string): Promise<OpenReader> {
  await once(url, requireMigrated);
  return openReading(url);
}

function openCommitter(url: string, policy: Policy): Committer {
  const options = { connections: 1, deadlineMs: DEADLINE_MS, settings: COMMIT_SETTINGS };
  return {
    client: new Client({ url, ...options }),
    name: newId(),
    memory: new Memory(),
    policy,
  };
}

function openReading(url: string): OpenReader & { readonly database: Database } {
  const options = { url, settings: {} };
  const clients = {
    query: new Client({ ...options, connections: QUERY_CONNECTIONS, deadlineMs: DEADLINE_MS }),
    audit: new Client({ ...options, connections: 1, deadlineMs: null }),
    report: new Client({
      url,
      settings: REPORT_SETTINGS,
      connections: REPORT_CONNECTIONS,
      deadlineMs: REPORT_DEADLINE_MS,
    }),
  };
  const database = queriesOn(clients.query);
  return {
    database,
    reader: createReader(database, queriesOn(clients.audit), queriesOn(clients.report)),
    async close() {
      const { query, audit, report } = clients;
      await Promise.all([query.close(), audit.close(), report.close()]);
    },
  };
}

function queriesOn(client: Client): Database {
  return createDatabase("postgres", async (text, parameters) => {
    try {
      return await client.run(text, parameters);
    } catch (error) {
      throw unavailableBecause(error);
    }
  });
}

async function once(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ url, connections: 1, deadlineMs: null, settings: {} });
  try {
    await work(client);
  } finally {
    await client.close();
  }
}
