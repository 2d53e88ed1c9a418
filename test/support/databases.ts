/** Both databases, fresh for each use, so that one test body runs on either. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { startPostgres, type PostgresServer } from "./postgres.ts";

/** Makes an empty database and gives its address. */
export type NewDatabase = () => Promise<string>;

export function onEachDatabase(body: (database: NewDatabase) => void): void {
  describe("on SQLite", () => body(() => Promise.resolve(sqliteFile())));
  describe("on PostgreSQL", () => {
    let server: PostgresServer;
    before(async () => {
      server = await startPostgres();
    });
    after(() => server.remove());
    // In a suite of its own, because a suite's hooks run in the order in which they were added.
    describe("", () => body(() => server.newDatabase()));
  });
}

export function sqliteFile(): string {
  return `sqlite:${join(mkdtempSync(join(tmpdir(), "purser-test-")), "purser.db")}`;
}
