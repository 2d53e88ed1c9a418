/** Both databases, fresh for each use, so that one test body runs on either. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import type { DatabaseConfig } from "../../src/config/config.ts";

/** Makes an empty database and gives its address. */
export type NewDatabase = () => Promise<string>;

export function onEachDatabase(body: (database: NewDatabase) => void): void {
  describe("on SQLite", () => body(() => Promise.resolve(sqliteFile())));
}

export function sqliteFile(): string {
  return `sqlite:${join(mkdtempSync(join(tmpdir(), "purser-test-")), "purser.db")}`;
}

export function databaseConfig(url: string): DatabaseConfig {
  return url.startsWith("sqlite:")
    ? { kind: "sqlite", file: url.slice("sqlite:".length) }
    : { kind: "postgres", url };
}
