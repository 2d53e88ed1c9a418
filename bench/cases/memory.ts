/** Resident memory while calls for ever new customers arrive: it must not grow with their number. */

import { runLoad } from "../load.ts";
import { rssBytes } from "../process-tree.ts";
import { call } from "../requests.ts";
import type { Row } from "../results.ts";
import type { Server } from "../server.ts";
import { significant } from "../statistics.ts";

const CONCURRENCY = 64;
const SAMPLE_MS = 250;
const BYTES_PER_MB = 1_000_000;

export interface MemoryPlan {
  readonly server: Server;
  readonly customers: number;
}

export async function measureMemory(plan: MemoryPlan): Promise<Row> {
  const { server } = plan;
  const megabytes = (): number => rssBytes(server.pid) / BYTES_PER_MB;
  const idle = megabytes();
  let peak = idle;
  let halfway: number | null = null;
  const sampler = setInterval(() => (peak = Math.max(peak, megabytes())), SAMPLE_MS);
  const load = await runLoad({
    origin: server.origin,
    concurrency: CONCURRENCY,
    requestsMax: plan.customers,
    request: (index) => {
      if (index === Math.floor(plan.customers / 2)) halfway = megabytes();
      return call(server, { customer: `memory-${index}`, stream: false, script: {} });
    },
  });
  clearInterval(sampler);
  const after = megabytes();
  return {
    server: server.name,
    values: {
      customers: plan.customers,
      "idle MB": significant(idle),
      "half-way MB": halfway === null ? null : significant(halfway),
      "after MB": significant(after),
      "peak MB": significant(Math.max(peak, after)),
      "calls/s": significant(load.requests / load.seconds),
      errors: load.errors,
    },
    ...(load.firstError === null ? {} : { note: `first error: ${load.firstError}` }),
  };
}
