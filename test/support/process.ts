/** The real program in a process of its own, to be stopped and killed. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { client, configOf, type PurserOptions, type TestPurser } from "./purser.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

export interface PurserProcess extends Omit<TestPurser, "stop"> {
  readonly child: ChildProcess;
  /** Everything that it printed so far. */
  readonly output: string[];
  /** SIGKILL: nothing of it runs after this. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** A folder with a configuration; processes that are started in it one after another share its state. */
export function purserFolder(options: PurserOptions): string {
  const folder = mkdtempSync(join(tmpdir(), "purser-process-"));
  writeFileSync(join(folder, "config.yaml"), stringify(configOf(options)));
  return folder;
}

export async function spawnPurser(
  folder: string,
  args: readonly string[] = ["--config", "config.yaml", "--port", "0"],
  env: Record<string, string> = {},
): Promise<PurserProcess> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const output: string[] = [];
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      output.push(line);
      const listening = /listens on http:\/\/localhost:(\d+)/.exec(line);
      if (listening?.[1] !== undefined) resolve(listening[1]);
    });
    exited.then(([code]) => reject(new Error(`exited with ${String(code)}`)), reject);
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  };
  return {
    ...client(`http://127.0.0.1:${port}`),
    child,
    output,
    kill: async () => {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
  };
}

/** Runs the program to its end. */
export async function runPurser(
  folder: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text.err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, ...text };
}
