/** Brings a PostgreSQL database up to date. */

import { CREATE_MIGRATIONS, pendingMigrations, readMigrations } from "../migrations.ts";
import type { Client } from "./client.ts";

const MIGRATIONS = readMigrations(new URL("migrations/", import.meta.url));

/** "purser" in ASCII. Instances that start together take turns. */
const LOCK = 0x70_75_72_73_65_72;

/**
 * The client must have a single connection: what fails midway ends with it, and the server rolls back. `until` leaves
 * the database as an older Purser had it.
 */
export async function migrate(client: Client, until = MIGRATIONS.length): Promise<void> {
  await client.run(`begin; select pg_advisory_xact_lock(${String(LOCK)}); ${CREATE_MIGRATIONS}`);
  const wanted = MIGRATIONS.slice(0, until);
  for (const { version, name, text } of pendingMigrations(wanted, await applied(client))) {
    await client.run(text);
    await client.run("insert into migrations (version, name) values ($1, $2)", [version, name]);
  }
  await client.run("commit");
}

/** For who only reads. */
export async function requireMigrated(client: Client): Promise<void> {
  const [pending] = pendingMigrations(MIGRATIONS, await applied(client));
  if (pending !== undefined) {
    throw new Error(`the database lacks migration ${pending.name}; start Purser on it once`);
  }
}

async function applied(client: Client): Promise<number[]> {
  const rows = await client.run("select version from migrations");
  return rows.map((row) => Number(row["version"]));
}
