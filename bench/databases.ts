/** The databases that Purser is measured on: a fresh one for every case. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startPostgres } from "./postgres.ts";
import { reasonOf, type Absence } from "./results.ts";

export interface Database {
  /** As it stands in the tables. */
  readonly label: string;
  /** Makes an empty database of this name and returns its URL. */
  readonly create: (name: string) => Promise<string>;
  /** The root of its process tree; null where it runs inside of Purser. */
  readonly pid: number | null;
  readonly stop: () => Promise<void>;
}

export async function openDatabases(
  dir: string,
): Promise<{ readonly databases: readonly Database[]; readonly absent: readonly Absence[] }> {
  const sqlite = openSqlite(dir);
  try {
    return { databases: [sqlite, await startPostgres()], absent: [] };
  } catch (error) {
    return { databases: [sqlite], absent: [{ server: "PostgreSQL", reason: reasonOf(error) }] };
  }
}

function openSqlite(dir: string): Database {
  const home = join(dir, "sqlite");
  mkdirSync(home, { recursive: true });
  return {
    label: "SQLite",
    create: async (name) => await Promise.resolve(`sqlite:${join(home, `${name}.db`)}`),
    pid: null,
    stop: async () => await Promise.resolve(),
  };
}
