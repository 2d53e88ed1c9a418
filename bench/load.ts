/** The load generator: a closed loop of so many workers over undici, each answer read to its last byte. */

import { performance } from "node:perf_hooks";
import { Pool, type Dispatcher } from "undici";

export interface BenchRequest {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  /** 0 if the connection broke before the end of the answer. */
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ms: number;
  /** Until the first byte of the body. */
  readonly firstByteMs: number;
  readonly error: Error | null;
}

export interface LoadPlan {
  readonly origin: string;
  readonly concurrency: number;
  /** The load ends when the first of these is reached; calls in flight are finished. */
  readonly requestsMax?: number;
  readonly secondsMax?: number;
  readonly until?: () => boolean;
  /** The n-th request of the load. */
  readonly request: (index: number) => BenchRequest;
  /** Sees every answer; one that it calls wrong counts as an error. */
  readonly check?: (answer: Answer, index: number) => boolean;
}

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  /** What the first error looked like; a bare count explains nothing. */
  readonly firstError: string | null;
  readonly seconds: number;
  readonly ms: readonly number[];
  readonly firstByteMs: readonly number[];
}

/** No request of the bench takes longer; a server that hangs is an error, not a bench without end. */
const ANSWER_MS_MAX = 30_000;

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const client = openClient(plan.origin, plan.concurrency);
  try {
    return await closedLoop(client, plan);
  } finally {
    await client.destroy();
  }
}

export function openClient(origin: string, connections: number): Pool {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: ANSWER_MS_MAX,
    bodyTimeout: ANSWER_MS_MAX,
  });
}

async function closedLoop(client: Pool, plan: LoadPlan): Promise<LoadResult> {
  const tally = { errors: 0, firstError: null as string | null };
  const ms: number[] = [];
  const firstByteMs: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + (plan.secondsMax ?? Infinity) * 1000;
  const requestsMax = plan.requestsMax ?? Infinity;
  const correct = plan.check ?? answered;
  const until = plan.until ?? (() => false);
  let next = 0;

  const worker = async (): Promise<void> => {
    while (next < requestsMax && performance.now() < endsAt && !until()) {
      const index = next++;
      const answer = await send(client, plan.request(index));
      ms.push(answer.ms);
      firstByteMs.push(answer.firstByteMs);
      if (correct(answer, index)) continue;
      tally.errors += 1;
      tally.firstError ??= describe(answer);
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: ms.length, ...tally, seconds, ms, firstByteMs };
}

export async function send(client: Dispatcher, request: BenchRequest): Promise<Answer> {
  return await new Promise((resolve) => {
    const { method = "POST", path, headers, body } = request;
    const options = { method, path, headers, body: method === "GET" ? null : body };
    client.dispatch(options, new AnswerReader(resolve));
  });
}

export function describe(answer: Answer): string {
  if (answer.error !== null) return answer.error.message;
  return `${answer.status} ${answer.body.toString("utf8", 0, 300)}`;
}

function answered(answer: Answer): boolean {
  return answer.status === 200;
}

/** Never rejects: a broken connection is an answer of its own kind. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #startedAt = performance.now();
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: Answer["headers"] = {};
  #firstByteAt = 0;

  constructor(resolve: (answer: Answer) => void) {
    this.#resolve = resolve;
  }

  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Answer["headers"],
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now();
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#finish(this.#status, null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(0, error);
  }

  #finish(status: number, error: Error | null): void {
    const now = performance.now();
    this.#resolve({
      status,
      error,
      headers: this.#headers,
      body: this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks),
      ms: now - this.#startedAt,
      firstByteMs: (this.#firstByteAt || now) - this.#startedAt,
    });
  }
}
