/** The near end of a worker thread: requests go in, replies come out in the same order. */

import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { LedgerUnavailable } from "../../ledger/store.ts";
import type { Result } from "./batch.ts";
import type { Reply, Request, WorkerOptions } from "./worker.ts";

/** Source and build have the same layout, each with its own ending. */
const WORKER = new URL(`worker${extname(import.meta.url)}`, import.meta.url);

/** Rows live for one batch, so little room is enough; without a bound each thread grows by some 30 MB. */
const YOUNG_GENERATION_MB = 16;

interface Asked {
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts at the first request, and anew at the first one after it died. */
export class Thread {
  readonly #options: WorkerOptions;
  #worker: Worker | undefined;
  #asked: Asked[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Rejects with `LedgerUnavailable` if the thread dies, and with the thread's own error if it cannot be done. */
  ask(request: Request): Promise<readonly Result[]> {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      this.#asked.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    const exited = new Promise((resolve) => this.#worker?.once("exit", resolve));
    await this.ask({ kind: "close" });
    await exited;
  }

  #start(): Worker {
    const worker = new Worker(WORKER, {
      workerData: this.#options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    let cause: unknown;
    worker.on("message", (reply: Reply) => this.#answer(reply));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => this.#bury(cause));
    return worker;
  }

  #answer(reply: Reply): void {
    const asked = this.#asked.shift();
    if ("error" in reply) asked?.reject(reply.outage ? outageOf(reply.error) : reply.error);
    else asked?.resolve(reply.results);
  }

  /** Whether what was asked took effect is unknown; asking again under the same ids is safe. */
  #bury(cause: unknown): void {
    const orphaned = this.#asked;
    this.#worker = undefined;
    this.#asked = [];
    const died = new LedgerUnavailable("the thread died", { cause, inDoubt: true });
    for (const { reject } of orphaned) reject(died);
  }
}

/** Then nobody's command is at fault, and none is tried again by itself. */
function outageOf(cause: unknown): LedgerUnavailable {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new LedgerUnavailable(`the database file is out of reach: ${text}`, { cause });
}
