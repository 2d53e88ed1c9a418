/** Numbered SQL files, each applied once. */

import { readdirSync, readFileSync } from "node:fs";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
}

export const CREATE_MIGRATIONS = `
  create table if not exists migrations (version bigint not null primary key, name text not null)`;

/** The files of a folder in the order of their numbers: `0001_ledger.sql`. */
export function readMigrations(folder: URL): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name) => ({
    version: Number.parseInt(name, 10),
    name,
    text: readFileSync(new URL(name, folder), "utf8"),
  }));
}

/** A database that a newer Purser has changed is left alone: this one would not know what it writes. */
export function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly number[],
): readonly Migration[] {
  const newest = migrations.at(-1)?.version ?? 0;
  const unknown = applied.find((version) => version > newest);
  if (unknown !== undefined) {
    throw new Error(
      `the database is newer than this Purser: it has migration ${String(unknown)}, ` +
        `and the last one known here is ${String(newest)}; run the newer Purser`,
    );
  }
  return migrations.filter(({ version }) => !applied.includes(version));
}
