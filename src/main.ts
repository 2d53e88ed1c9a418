#!/usr/bin/env node
/** The command line's entry: start (the default), check or audit. */

import { readArguments, USAGE, type Arguments } from "./cli/arguments.ts";
import { auditText } from "./cli/audit.ts";
import { runCheck } from "./cli/check.ts";
import type { Config } from "./config/config.ts";
import { loadConfig } from "./config/load.ts";
import { formatMistakes } from "./config/mistake.ts";
import { systemClock } from "./platform/clock.ts";
import { startPurser } from "./purser.ts";
import { openReader } from "./store/open.ts";

const EXIT_FAULT = 1;
const EXIT_USAGE = 2;

const code = await run(readArguments(process.argv.slice(2)));
// A start that failed half-way leaves parts behind that would keep the process alive.
if (code !== 0) process.exit(code);

/** The exit code. `start` answers 0 and leaves the process to its server. */
async function run(args: Arguments | string): Promise<number> {
  if (typeof args === "string") return complain(args, EXIT_USAGE);
  if (args.command === "help") {
    print(USAGE);
    return 0;
  }
  if (args.command === "check") {
    const sources = { file: args.config, env: process.env };
    return runCheck(sources, systemClock.now(), print);
  }
  const { config: file, host, port } = args;
  const loaded = loadConfig({ file, env: process.env, argv: { host, port } });
  if (!loaded.ok) return complain(formatMistakes(loaded.mistakes), EXIT_FAULT);
  try {
    return args.command === "audit"
      ? await audit(loaded.config)
      : await start(loaded.config, file === null);
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error), EXIT_FAULT);
  }
}

async function start(config: Config, demo: boolean): Promise<number> {
  const purser = await startPurser(config, { demo, print });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      void purser.stop().then(
        () => process.exit(0),
        () => process.exit(EXIT_FAULT),
      );
    });
  }
  return 0;
}

async function audit(config: Config): Promise<number> {
  const { reader: read, close } = await openReader(config.database);
  try {
    const report = auditText(await read.audit());
    print(report.text);
    return report.code;
  } finally {
    await close();
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

function complain(text: string, code: number): number {
  process.stderr.write(`${text.trimEnd()}\n`);
  return code;
}
