/** CPU time per call of each server, in interleaved rounds of closed-loop load: plain answers, and streams. */

import { setTimeout as pause } from "node:timers/promises";
import type { Answer, BenchRequest } from "../load.ts";
import { runLoad } from "../load.ts";
import type { CaseName, Sizes } from "../options.ts";
import { cpuSeconds } from "../process-tree.ts";
import { call } from "../requests.ts";
import type { CaseResult, Row } from "../results.ts";
import type { Pace } from "../script.ts";
import type { Server } from "../server.ts";
import { median, percentile, significant } from "../statistics.ts";

const PLAIN_CONCURRENCY = 64;
const STREAM_CONCURRENCY = 16;
const STREAM_CHUNKS = 200;

/** Work that a server puts off until after the answer belongs to the call. */
const TRAILING_MS = 200;

export interface CpuPlan {
  readonly servers: readonly Server[];
  readonly customers: readonly string[];
  readonly sizes: Sizes;
}

interface Load {
  readonly concurrency: number;
  readonly request: (server: Server, index: number) => BenchRequest;
  readonly check: (answer: Answer) => boolean;
}

interface Round {
  readonly cpuMicros: number;
  readonly databaseMicros: number | null;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly firstByteP50: number;
  readonly errors: number;
  readonly firstError: string | null;
}

export async function measureCpu(plan: CpuPlan): Promise<CaseResult> {
  const bodies = new Map<Server, readonly BenchRequest[]>();
  for (const server of plan.servers) {
    bodies.set(server, prepared(plan, server, { stream: false, script: {} }));
  }
  const rows = await measure(plan, {
    concurrency: PLAIN_CONCURRENCY,
    request: (server, index) => at(bodies.get(server), index),
    check: (answer) => answer.status === 200,
  });
  return {
    name: "cpu",
    title: `CPU per call, ${PLAIN_CONCURRENCY} at a time, not streamed`,
    about: "User and system time of the server's whole process tree; median of interleaved rounds.",
    rows,
  };
}

export async function measureStreams(
  plan: CpuPlan,
  variant: {
    readonly name: CaseName;
    readonly pace: Pace;
    readonly title: string;
    readonly about: string;
  },
): Promise<CaseResult> {
  const script = { completionTokens: STREAM_CHUNKS, pace: variant.pace };
  const bodies = new Map<Server, readonly BenchRequest[]>();
  for (const server of plan.servers) {
    bodies.set(server, prepared(plan, server, { stream: true, script }));
  }
  const rows = await measure(plan, {
    concurrency: STREAM_CONCURRENCY,
    request: (server, index) => at(bodies.get(server), index),
    check: (answer) => answer.status === 200 && isWholeStream(answer.body),
  });
  return {
    name: variant.name,
    title: `CPU per stream of ${STREAM_CHUNKS} chunks, ${STREAM_CONCURRENCY} at a time${variant.title}`,
    about: variant.about,
    rows,
  };
}

/** Calls that differ by what they carry. */
export interface Bodies {
  readonly name: CaseName;
  readonly title: string;
  readonly about: string;
  readonly concurrency: number;
  readonly request: (server: Server, customer: string) => BenchRequest;
}

/** A few customers are enough, as their bodies are kept in memory. */
const BODY_CUSTOMERS = 8;

export async function measureBodies(plan: CpuPlan, bodies: Bodies): Promise<CaseResult> {
  const customers = plan.customers.slice(0, BODY_CUSTOMERS);
  const prepared = new Map(
    plan.servers.map((server) => [server, customers.map((name) => bodies.request(server, name))]),
  );
  const rows = await measure(plan, {
    concurrency: bodies.concurrency,
    request: (server, index) => at(prepared.get(server), index),
    check: (answer) => answer.status === 200,
  });
  const { name, title, about } = bodies;
  return { name, title, about, rows };
}

/** Every chunk is over 100 bytes; counting them would cost the load generator more than the server. */
function isWholeStream(body: Buffer): boolean {
  return body.length > STREAM_CHUNKS * 100 && body.subarray(-16).includes("data: [DONE]");
}

function prepared(
  plan: CpuPlan,
  server: Server,
  shape: { readonly stream: boolean; readonly script: Parameters<typeof call>[1]["script"] },
): readonly BenchRequest[] {
  return plan.customers.map((customer) => call(server, { customer, ...shape }));
}

function at(requests: readonly BenchRequest[] | undefined, index: number): BenchRequest {
  const request = requests?.[index % requests.length];
  if (request === undefined) throw new Error("no request was prepared");
  return request;
}

async function measure(plan: CpuPlan, load: Load): Promise<readonly Row[]> {
  const rounds = new Map<Server, Round[]>();
  for (const server of plan.servers) await runOnce(server, load, plan.sizes.warmUpSeconds);
  for (let round = 0; round < plan.sizes.rounds; round++) {
    for (const server of plan.servers) {
      const found = await runOnce(server, load, plan.sizes.roundSeconds);
      rounds.set(server, [...(rounds.get(server) ?? []), found]);
    }
  }
  return plan.servers.map((server) => rowOf(server, rounds.get(server) ?? []));
}

async function runOnce(server: Server, load: Load, seconds: number): Promise<Round> {
  const cpuBefore = cpuSeconds(server.pid);
  const databaseBefore = server.databasePid === null ? null : cpuSeconds(server.databasePid);
  const result = await runLoad({
    origin: server.origin,
    concurrency: load.concurrency,
    secondsMax: seconds,
    request: (index) => load.request(server, index),
    check: load.check,
  });
  await pause(TRAILING_MS);
  const perCall = (cpu: number): number => (cpu / result.requests) * 1e6;
  return {
    cpuMicros: perCall(cpuSeconds(server.pid) - cpuBefore),
    databaseMicros:
      server.databasePid === null || databaseBefore === null
        ? null
        : perCall(cpuSeconds(server.databasePid) - databaseBefore),
    perSecond: result.requests / result.seconds,
    p50: percentile(result.ms, 0.5),
    p99: percentile(result.ms, 0.99),
    firstByteP50: percentile(result.firstByteMs, 0.5),
    errors: result.errors,
    firstError: result.firstError,
  };
}

function rowOf(server: Server, rounds: readonly Round[]): Row {
  const cpu = rounds.map((round) => round.cpuMicros);
  const database = rounds.map((round) => round.databaseMicros).filter((value) => value !== null);
  const failed = rounds.find((round) => round.errors > 0);
  const of = (value: (round: Round) => number): number => significant(median(rounds.map(value)));
  return {
    server: server.name,
    values: {
      "CPU µs": significant(median(cpu)),
      "min µs": significant(Math.min(...cpu)),
      "max µs": significant(Math.max(...cpu)),
      "database CPU µs": database.length === 0 ? null : significant(median(database)),
      "calls/s": of((round) => round.perSecond),
      "p50 ms": of((round) => round.p50),
      "p99 ms": of((round) => round.p99),
      "first byte p50 ms": of((round) => round.firstByteP50),
      errors: rounds.reduce((total, round) => total + round.errors, 0),
    },
    ...(failed === undefined ? {} : { note: `first error: ${failed.firstError}` }),
  };
}
