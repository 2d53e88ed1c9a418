/** A thread with one connection to a SQLite file, because a commit blocks the thread that makes it. */

import { parentPort, workerData } from "node:worker_threads";
import type { Policy } from "../../ledger/command.ts";
import { commitBatch, type Result, type Statement, type Task } from "./batch.ts";
import { Connection } from "./connection.ts";

export interface WorkerOptions {
  readonly file: string;
  readonly readOnly: boolean;
}

export type Request =
  | { readonly kind: "commit"; readonly tasks: readonly Task[]; readonly policy: Policy }
  | { readonly kind: "query"; readonly statement: Statement }
  | { readonly kind: "close" };

/** A commit has one result per task, a query has one. */
export type Reply =
  { readonly results: readonly Result[] } | { readonly error: unknown; readonly outage: boolean };

const { file, readOnly } = workerData as WorkerOptions;
const connection = new Connection(file, readOnly);

parentPort?.on("message", (request: Request) => {
  parentPort?.postMessage(answer(request));
  if (request.kind === "close") parentPort?.close();
});

function answer(request: Request): Reply {
  try {
    return { results: perform(request) };
  } catch (error) {
    return { error, outage: isOutage(error) };
  }
}

/** Busy, locked, read-only, input or output, full, cannot open: the file is out of reach, whatever was asked. */
const OUTAGES = new Set([5, 6, 8, 10, 13, 14]);

function isOutage(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, "errcode") : undefined;
  // The low byte is SQLite's primary code.
  return typeof code === "number" && OUTAGES.has(code & 0xff);
}

function perform(request: Request): readonly Result[] {
  switch (request.kind) {
    case "commit":
      return commitBatch(connection, request.tasks, request.policy);
    case "query":
      return [connection.run(request.statement.text, request.statement.parameters)];
    case "close":
      connection.close();
      return [];
  }
}
