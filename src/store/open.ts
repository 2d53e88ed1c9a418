/** Opens the database that the operator chose; nothing else asks which it is. */

import type { DatabaseConfig } from "../config/config.ts";
import type { Policy } from "../ledger/command.ts";
import type { LedgerStore } from "../ledger/store.ts";
import { openPostgres, openPostgresReader } from "./postgres/store.ts";
import type { OpenReader } from "./reader.ts";
import { openSqlite, openSqliteReader } from "./sqlite/store.ts";

/** Brings the database up to date first. Throws if it cannot be reached, is newer, or belongs to another process. */
export async function openStore(database: DatabaseConfig, policy: Policy): Promise<LedgerStore> {
  return database.kind === "sqlite"
    ? openSqlite(database.file, policy)
    : openPostgres(database.url, policy);
}

/** For an audit beside a running Purser: writes nothing and owns nothing. */
export async function openReader(database: DatabaseConfig): Promise<OpenReader> {
  return database.kind === "sqlite"
    ? openSqliteReader(database.file)
    : openPostgresReader(database.url);
}
