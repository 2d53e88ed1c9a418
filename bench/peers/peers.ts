/** Everything that is compared for cost, started side by side; what cannot start is reported with its reason. */

import type { Database } from "../databases.ts";
import { names } from "../requests.ts";
import { reasonOf, type Absence } from "../results.ts";
import type { Server } from "../server.ts";
import { startFastify } from "./fastify.ts";
import { startNginx } from "./nginx.ts";
import { startPortkey } from "./portkey.ts";
import { createCustomers, createSite, startPurser } from "./purser.ts";

/** Enough that a batch of calls seldom meets the same customer twice, as in a real day. */
const CUSTOMERS = 500;
/** Far from being spent, so that the limit is checked on every call and refuses none. */
const MAX_BUDGET = "1000000";

export interface Peers {
  /** The upstream itself stands first. */
  readonly servers: readonly Server[];
  readonly customers: readonly string[];
  readonly absent: readonly Absence[];
  readonly stop: () => Promise<void>;
}

export interface PeersPlan {
  readonly dir: string;
  readonly upstream: Server;
  readonly databases: readonly Database[];
}

export async function startPeers(plan: PeersPlan): Promise<Peers> {
  const { dir } = plan;
  const { origin } = plan.upstream;
  const customers = names("bench", CUSTOMERS);
  const starts: readonly (readonly [string, () => Promise<Server>])[] = [
    ["nginx", async () => await startNginx(dir, origin)],
    ["Fastify + undici, bare", async () => await startFastify(dir, origin)],
    ["Portkey", async () => await startPortkey(dir, origin)],
    ...plan.databases.map(
      (database) =>
        [
          `Purser, ${database.label}`,
          async () => await startPurserWith(plan, database, customers),
        ] as const,
    ),
  ];
  const servers: Server[] = [];
  const absent: Absence[] = [];
  for (const [server, start] of starts) {
    try {
      servers.push(await start());
    } catch (error) {
      absent.push({ server, reason: reasonOf(error) });
    }
  }
  return {
    servers: [plan.upstream, ...servers],
    customers,
    absent,
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

async function startPurserWith(
  plan: PeersPlan,
  database: Database,
  customers: readonly string[],
): Promise<Server> {
  const upstream = plan.upstream.origin;
  const server = await startPurser(
    await createSite({ dir: plan.dir, upstream, database, use: "cost" }),
  );
  try {
    await createCustomers(server.origin, customers, MAX_BUDGET);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
