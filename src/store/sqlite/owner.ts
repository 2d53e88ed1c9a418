/** A SQLite file belongs to one process: a second one would take the first one's calls in flight for dead. */

import { DatabaseSync } from "node:sqlite";

export interface Owner {
  release(): void;
}

/**
 * The lock is a transaction on a file of its own, open as long as the process lives: the operating system ends it
 * with the process, however that dies, and the ledger's own file stays free for readers.
 */
export function takeOwnership(file: string): Owner {
  const lock = new DatabaseSync(`${file}-lock`);
  try {
    lock.exec("begin exclusive");
  } catch (cause) {
    lock.close();
    const cure = "stop it first, or run several instances on PostgreSQL";
    throw new Error(`${file} is in use by another Purser process; ${cure}`, { cause });
  }
  return { release: () => lock.close() };
}
