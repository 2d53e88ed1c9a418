/** Brings a SQLite file up to date. */

import { CREATE_MIGRATIONS, pendingMigrations, readMigrations } from "../migrations.ts";
import type { Connection } from "./connection.ts";

const MIGRATIONS = readMigrations(new URL("migrations/", import.meta.url));

/** `until` leaves the file as an older Purser had it. */
export function migrate(connection: Connection, until = MIGRATIONS.length): void {
  connection.transaction(() => {
    connection.run(CREATE_MIGRATIONS);
    const wanted = MIGRATIONS.slice(0, until);
    for (const { version, name, text } of pendingMigrations(wanted, applied(connection))) {
      connection.script(text);
      connection.run("insert into migrations (version, name) values (?, ?)", [version, name]);
    }
  });
}

/** For who only reads. */
export function requireMigrated(connection: Connection): void {
  const [pending] = pendingMigrations(MIGRATIONS, applied(connection));
  if (pending !== undefined) {
    throw new Error(`the database lacks migration ${pending.name}; start Purser on it once`);
  }
}

function applied(connection: Connection): number[] {
  return connection.run("select version from migrations").map((row) => Number(row["version"]));
}
