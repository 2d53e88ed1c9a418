/** The cases that hold Purser to its promises: each on every database, with a fresh ledger of its own. */

import type { Database } from "../databases.ts";
import { nanoFromDollars } from "../money.ts";
import type { CaseName, Sizes } from "../options.ts";
import { announce } from "../progress.ts";
import { startCountAfter } from "../peers/count-after.ts";
import { createCustomers, createSite, readSpend, startPurser } from "../peers/purser.ts";
import type { Purser } from "../peers/purser.ts";
import { reasonOf, type Absence, type CaseResult, type Row } from "../results.ts";
import { measureCrash } from "./crash.ts";
import { measureDeadEndpoint } from "./dead-endpoint.ts";
import { measureMemory } from "./memory.ts";
import { measureOvershoot, OVERSHOOT_BUDGET } from "./overshoot.ts";
import { measureParity } from "./parity.ts";

export interface PromisesPlan {
  readonly dir: string;
  readonly upstream: string;
  readonly databases: readonly Database[];
  readonly cases: readonly CaseName[];
  readonly sizes: Sizes;
}

interface Found {
  readonly cases: readonly CaseResult[];
  readonly absent: readonly Absence[];
}

type Measure = (plan: PromisesPlan, database: Database) => Promise<Row>;

interface Promised {
  readonly title: string;
  readonly about: string;
  readonly measure: Measure;
  /** A row that needs no Purser. */
  readonly reference?: (plan: PromisesPlan) => Promise<Row>;
}

const PROMISES: Partial<Record<CaseName, Promised>> = {
  overshoot: {
    title: "Overshoot: 128 concurrent streams, 8 customers with small budgets",
    about:
      "Truth is what the upstream produced. The count-after row is no product but a reference of ours: a proxy that " +
      "adds a call up in memory the moment it ends, the best that counting after the call can do.",
    measure: overshoot,
    reference: countAfter,
  },
  crash: {
    title: "kill -9 under load",
    about:
      "Each call has its own customer. Lost: what the ledger lacks of calls whose answer a client received in full.",
    measure: crash,
  },
  parity: {
    title: "Parity of three books",
    about:
      "Plain calls, streams and failing calls; client, upstream and ledger add up on their own.",
    measure: parity,
  },
  memory: {
    title: "Memory while every call brings a new customer",
    about:
      "Resident set of Purser's processes; a database that is a process of its own is not counted.",
    measure: memory,
  },
  "dead-endpoint": {
    title: "A dead endpoint",
    about:
      "Latency of one call at a time, in turns with a Purser of the same calls and no endpoint, while the events of " +
      "all calls so far wait for an endpoint that refuses every connection.",
    measure: deadEndpoint,
  },
};

export async function measurePromises(plan: PromisesPlan): Promise<Found> {
  const cases: CaseResult[] = [];
  const absent: Absence[] = [];
  for (const name of plan.cases) {
    const promised = PROMISES[name];
    if (promised === undefined) continue;
    announce(name);
    const rows: Row[] = [];
    const attempt = async (server: string, measure: () => Promise<Row>): Promise<void> => {
      try {
        rows.push(await measure());
      } catch (error) {
        absent.push({ server: `${server} (${name})`, reason: reasonOf(error) });
      }
    };
    const { reference } = promised;
    if (reference !== undefined) await attempt("reference", async () => await reference(plan));
    for (const database of plan.databases) {
      await attempt(
        `Purser, ${database.label}`,
        async () => await promised.measure(plan, database),
      );
    }
    cases.push({ name, title: promised.title, about: promised.about, rows });
  }
  return { cases, absent };
}

async function overshoot(plan: PromisesPlan, database: Database): Promise<Row> {
  return await withPurser(plan, { database, use: "overshoot" }, async (server) => {
    return await measureOvershoot({
      server,
      upstream: plan.upstream,
      prepare: async (customers) =>
        await createCustomers(server.origin, customers, OVERSHOOT_BUDGET),
      readSpend: async (customers) => await readSpend(server.origin, customers),
    });
  });
}

async function countAfter(plan: PromisesPlan): Promise<Row> {
  const limit = nanoFromDollars(Number(OVERSHOOT_BUDGET));
  const server = await startCountAfter(plan.dir, plan.upstream, limit);
  try {
    return await measureOvershoot({
      server,
      upstream: plan.upstream,
      prepare: async () => await Promise.resolve(),
      readSpend: server.readSpend,
    });
  } finally {
    await server.stop();
  }
}

async function crash(plan: PromisesPlan, database: Database): Promise<Row> {
  const { dir, upstream } = plan;
  const site = await createSite({ dir, upstream, database, use: "crash" });
  return await measureCrash({ site, kills: plan.sizes.kills });
}

async function parity(plan: PromisesPlan, database: Database): Promise<Row> {
  return await withPurser(plan, { database, use: "parity" }, async (server) => {
    const { upstream, sizes } = plan;
    return await measureParity({ server, upstream, requests: sizes.parityRequests });
  });
}

async function memory(plan: PromisesPlan, database: Database): Promise<Row> {
  return await withPurser(plan, { database, use: "memory" }, async (server) => {
    return await measureMemory({ server, customers: plan.sizes.memoryCustomers });
  });
}

async function deadEndpoint(plan: PromisesPlan, database: Database): Promise<Row> {
  const { waitingEvents: events, latencyRequests: requests } = plan.sizes;
  return await withPurser(plan, { database, use: "calm" }, async (calm) => {
    return await withPurser(plan, { database, use: "burdened" }, async (burdened) => {
      return await measureDeadEndpoint({ calm, burdened, events, requests });
    });
  });
}

async function withPurser(
  plan: PromisesPlan,
  on: { readonly database: Database; readonly use: string },
  measure: (server: Purser) => Promise<Row>,
): Promise<Row> {
  const { dir, upstream } = plan;
  const server = await startPurser(await createSite({ dir, upstream, ...on }));
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}
