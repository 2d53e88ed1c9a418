/** What a server adds to a single call: its latency less that of the upstream itself, asked in turns. */

import type { Pool } from "undici";
import { openClient, runLoad, send, type BenchRequest } from "../load.ts";
import type { Sizes } from "../options.ts";
import { call } from "../requests.ts";
import type { CaseResult } from "../results.ts";
import type { Server } from "../server.ts";
import { percentile, significant } from "../statistics.ts";

/** Calls to one server before the next has its turn: short, so that a slow moment of the machine hits all alike. */
const TURN_CALLS = 25;
/** The first calls of a turn find cold caches, and are not counted. */
const TURN_WARM_UP_CALLS = 5;

export interface LatencyPlan {
  /** The first is the upstream itself. */
  readonly servers: readonly Server[];
  readonly customers: readonly string[];
  readonly sizes: Sizes;
}

interface Subject {
  readonly server: Server;
  readonly client: Pool;
  readonly request: (index: number) => BenchRequest;
  readonly ms: number[];
  errors: number;
}

export async function measureLatency(plan: LatencyPlan): Promise<CaseResult> {
  const subjects = plan.servers.map((server) => subjectOf(server, plan.customers));
  for (const { server, request } of subjects) {
    const secondsMax = plan.sizes.warmUpSeconds / 2;
    await runLoad({ origin: server.origin, concurrency: 1, secondsMax, request });
  }
  for (let done = 0; done < plan.sizes.latencyRequests; done += TURN_CALLS) {
    for (const subject of subjects) await takeTurn(subject, done);
  }
  for (const { client } of subjects) await client.close();
  return {
    name: "latency",
    title: "Latency of one call at a time",
    about:
      "Added: the percentile of the server less the same percentile of the upstream asked directly.",
    rows: subjects.map((subject) => ({
      server: subject.server.name,
      values: { ...percentiles(subject.ms, subjects[0]?.ms ?? []), errors: subject.errors },
    })),
  };
}

function subjectOf(server: Server, customers: readonly string[]): Subject {
  const requests = customers.map((customer) =>
    call(server, { customer, stream: false, script: {} }),
  );
  return {
    server,
    client: openClient(server.origin, 1),
    request: (index) => requests[index % requests.length] as BenchRequest,
    ms: [],
    errors: 0,
  };
}

async function takeTurn(subject: Subject, from: number): Promise<void> {
  for (let n = -TURN_WARM_UP_CALLS; n < TURN_CALLS; n++) {
    const answer = await send(subject.client, subject.request(from + n + TURN_WARM_UP_CALLS));
    if (answer.status !== 200) subject.errors += 1;
    if (n >= 0) subject.ms.push(answer.ms);
  }
}

function percentiles(ms: readonly number[], base: readonly number[]): Record<string, number> {
  const added = (share: number): number =>
    significant(percentile(ms, share) - percentile(base, share));
  return {
    "p50 ms": significant(percentile(ms, 0.5)),
    "p99 ms": significant(percentile(ms, 0.99)),
    "added p50 ms": added(0.5),
    "added p99 ms": added(0.99),
  };
}
