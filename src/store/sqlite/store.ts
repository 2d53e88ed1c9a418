/** The ledger in a SQLite file: one process, one thread that writes, one each that answers, reports and audits. */

import type { Outcome, Policy } from "../../ledger/command.ts";
import type { LedgerStore } from "../../ledger/store.ts";
import { createDatabase, type Database } from "../database.ts";
import { createInstances } from "../instances.ts";
import { createAnswers } from "../answers.ts";
import { createOutbox } from "../outbox.ts";
import { CommitQueue, unavailableBecause, weightOf, writesAccounts } from "../queue.ts";
import { createReader, type OpenReader } from "../reader.ts";
import type { Row } from "../rows.ts";
import { commandsOf, type Result, type Task } from "./batch.ts";
import { Connection } from "./connection.ts";
import { migrate, requireMigrated } from "./migrate.ts";
import { takeOwnership } from "./owner.ts";
import { Thread } from "./thread.ts";

export function openSqlite(file: string, policy: Policy): LedgerStore {
  const owner = takeOwnership(file);
  try {
    prepare(file);
  } catch (error) {
    owner.release();
    throw error;
  }
  const writer = new Thread({ file, readOnly: false });
  const queue = new CommitQueue<Task, Result>({
    commit: (tasks) => writer.ask({ kind: "commit", tasks, policy }),
    weightOf: (task) => weightOf(commandsOf(task)),
    standsAlone: (task) => writesAccounts(commandsOf(task)),
  });
  // A statement by itself would cost a commit of its own, so it shares one with the commands.
  const database = createDatabase("sqlite", async (text, parameters) => {
    return queue.push({ text, parameters });
  });
  const reading = openThreads(file);
  return {
    apply: async (commands) => (await queue.push({ commands })) as readonly Outcome[],
    read: reading.reader,
    outbox: createOutbox(database, reading.database),
    answers: createAnswers(database),
    instances: createInstances(database),
    async close() {
      await queue.close();
      await Promise.all([writer.close(), reading.close()]);
      owner.release();
    },
  };
}

/** Reads a file that another process may own. */
export function openSqliteReader(file: string): OpenReader {
  const connection = new Connection(file, true);
  try {
    requireMigrated(connection);
  } finally {
    connection.close();
  }
  return openThreads(file);
}

function prepare(file: string): void {
  const connection = new Connection(file, false);
  try {
    migrate(connection);
  } finally {
    connection.close();
  }
}

function openThreads(file: string): OpenReader & { readonly database: Database } {
  const answering = new Thread({ file, readOnly: true });
  const auditing = new Thread({ file, readOnly: true });
  const reporting = new Thread({ file, readOnly: true });
  const database = queriesOn(answering);
  return {
    database,
    reader: createReader(database, queriesOn(auditing), queriesOn(reporting)),
    async close() {
      await Promise.all([answering.close(), auditing.close(), reporting.close()]);
    },
  };
}

function queriesOn(thread: Thread): Database {
  return createDatabase("sqlite", async (text, parameters) => {
    try {
      const [rows] = await thread.ask({ kind: "query", statement: { text, parameters } });
      return rows as readonly Row[];
    } catch (error) {
      throw unavailableBecause(error);
    }
  });
}
