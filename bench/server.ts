/** Starting, watching and stopping the servers of a run; each is a process of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Something that answers chat completions: a gateway, a bare proxy, or the upstream itself. */
export interface Server {
  readonly name: string;
  readonly origin: string;
  /** What its callers must send beside the body. */
  readonly headers: Readonly<Record<string, string>>;
  /** The root of the process tree whose CPU time and memory count. */
  readonly pid: number;
  /** The same for its database, where that is another process. */
  readonly databasePid: number | null;
  readonly stop: () => Promise<void>;
}

export interface ServerProcess {
  readonly pid: number;
  readonly exited: Promise<void>;
  /** SIGTERM, then SIGKILL for one that does not listen. */
  readonly stop: () => Promise<void>;
  /** SIGKILL at once: the crash that the bench is about. */
  readonly kill: () => Promise<void>;
}

export interface SpawnPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Any answer below 500 from here means that the server is up. */
  readonly readyUrl: string;
}

const READY_MS_MAX = 20_000;
const READY_POLL_MS = 20;
const STOP_MS_MAX = 10_000;
const OUTPUT_CHARS_MAX = 2000;

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGTERM")));

/** Rejects with the last output of a server that ends, or never answers. */
export async function startProcess(plan: SpawnPlan): Promise<ServerProcess> {
  const child = spawn(plan.command, plan.args, {
    cwd: plan.cwd,
    env: { ...process.env, ...plan.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const output = tailOf(child);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  }).finally(() => running.delete(child));
  const server = {
    pid: child.pid ?? 0,
    exited,
    stop: async () => await stopChild(child, exited),
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
  try {
    await untilReady(plan.readyUrl, exited);
  } catch (error) {
    await server.kill();
    throw new Error(`${(error as Error).message}: ${output() || "no output"}`, { cause: error });
  }
  return server;
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function untilReady(url: string, exited: Promise<void>): Promise<void> {
  let ended = false;
  void exited.then(() => (ended = true));
  const deadline = Date.now() + READY_MS_MAX;
  while (Date.now() < deadline) {
    if (ended) throw new Error("ended at its start");
    if (await answers(url)) return;
    await pause(READY_POLL_MS);
  }
  throw new Error(`not ready after ${READY_MS_MAX / 1000} s`);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await exited;
  clearTimeout(killer);
}

/** Output is read to its end, or a server that logs would stall on a full pipe. */
function tailOf(child: ChildProcess): () => string {
  let tail = "";
  const append = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
  };
  child.stdout?.on("data", append);
  child.stderr?.on("data", append);
  child.once("error", (error) => append(Buffer.from(error.message)));
  return () => tail.trim();
}
