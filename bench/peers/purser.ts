/** Purser itself, with full accounting: a key, customers with budgets, holds, postings, on a database of its own. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../databases.ts";
import { openClient, runLoad, send } from "../load.ts";
import { INPUT_USD_PER_TOKEN, nanoFromDollars, OUTPUT_USD_PER_TOKEN } from "../money.ts";
import { freePort, startProcess, type Server } from "../server.ts";

const MASTER_KEY = "sk-1234";
const REPOSITORY = join(import.meta.dirname, "../..");
const MAIN = join(REPOSITORY, "src/main.ts");

/** Admin calls of the bench's own, at a time. */
const ADMIN_CONCURRENCY = 32;

export const ADMIN_HEADERS = {
  authorization: `Bearer ${MASTER_KEY}`,
  "content-type": "application/json",
};

/** Everything a restart needs to find the same ledger again. */
export interface Site {
  readonly name: string;
  readonly home: string;
  readonly port: number;
  readonly databasePid: number | null;
}

export interface Purser extends Server {
  readonly kill: () => Promise<void>;
}

export interface SitePlan {
  readonly dir: string;
  readonly upstream: string;
  readonly database: Database;
  /** Unique in the run, and a name that a database can have. */
  readonly use: string;
}

/** Throws where there is no gateway to measure. */
export async function createSite(plan: SitePlan): Promise<Site> {
  if (!existsSync(MAIN)) throw new Error("src/main.ts is not there");
  const home = join(plan.dir, `purser-${plan.database.label.toLowerCase()}-${plan.use}`);
  mkdirSync(home, { recursive: true });
  const url = await plan.database.create(plan.use);
  writeFileSync(join(home, "config.yaml"), config(plan.upstream, url));
  return {
    name: `Purser, ${plan.database.label}`,
    home,
    port: await freePort(),
    databasePid: plan.database.pid,
  };
}

export async function startPurser(site: Site): Promise<Purser> {
  const origin = `http://127.0.0.1:${site.port}`;
  const config = join(site.home, "config.yaml");
  const flags = (process.env["BENCH_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const child = await startProcess({
    command: process.execPath,
    args: [...flags, MAIN, "--config", config, "--host", "127.0.0.1", "--port", String(site.port)],
    cwd: site.home,
    readyUrl: `${origin}/health/readiness`,
  });
  return {
    name: site.name,
    origin,
    headers: { authorization: `Bearer ${MASTER_KEY}` },
    pid: child.pid,
    databasePid: site.databasePid,
    stop: child.stop,
    kill: child.kill,
  };
}

export async function createCustomers(
  origin: string,
  customers: readonly string[],
  maxBudget: string,
): Promise<void> {
  const result = await runLoad({
    origin,
    concurrency: ADMIN_CONCURRENCY,
    requestsMax: customers.length,
    request: (index) => ({
      path: "/customer/new",
      headers: ADMIN_HEADERS,
      body: `{"user_id":${JSON.stringify(customers[index])},"max_budget":${maxBudget}}`,
    }),
  });
  if (result.errors > 0) throw new Error(`/customer/new answered ${result.firstError}`);
}

/** Spend of each customer in nano-dollars, by `/customer/info`; null of one that the ledger does not know. */
export async function readSpend(
  origin: string,
  customers: readonly string[],
): Promise<ReadonlyMap<string, bigint | null>> {
  const spend = new Map<string, bigint | null>();
  const result = await runLoad({
    origin,
    concurrency: ADMIN_CONCURRENCY,
    requestsMax: customers.length,
    request: (index) => ({
      method: "GET",
      path: `/customer/info?end_user_id=${encodeURIComponent(customers[index] ?? "")}`,
      headers: ADMIN_HEADERS,
      body: "",
    }),
    check: (answer, index) => {
      const customer = customers[index] ?? "";
      if (answer.status === 404) spend.set(customer, null);
      if (answer.status !== 200) return answer.status === 404;
      const info = JSON.parse(answer.body.toString()) as { readonly spend: number };
      spend.set(customer, nanoFromDollars(info.spend));
      return true;
    },
  });
  if (result.errors > 0) throw new Error(`/customer/info answered ${result.firstError}`);
  return spend;
}

/** Calls that the ledger has postings of today and yesterday (a run may cross midnight); null where it does not say. */
export async function readCallCount(origin: string): Promise<number | null> {
  const client = openClient(origin, 1);
  const answer = await send(client, {
    method: "GET",
    path: `/customer/daily/activity?start_date=${dayBefore(1)}&end_date=${dayBefore(0)}&page_size=1000`,
    headers: ADMIN_HEADERS,
    body: "",
  });
  await client.destroy();
  if (answer.status !== 200) return null;
  const activity = JSON.parse(answer.body.toString()) as {
    readonly metadata?: { readonly total_successful_requests?: number };
  };
  return activity.metadata?.total_successful_requests ?? null;
}

function dayBefore(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}

function config(upstream: string, databaseUrl: string): string {
  return `model_list:
  - model_name: bench-model
    litellm_params:
      model: openai/bench-model
      api_base: ${upstream}/v1
      api_key: sk-upstream
    model_info:
      input_cost_per_token: ${INPUT_USD_PER_TOKEN}
      output_cost_per_token: ${OUTPUT_USD_PER_TOKEN}
      max_output_tokens: 4096
general_settings:
  master_key: ${MASTER_KEY}
  database_url: ${databaseUrl}
  webhook_networks: ["127.0.0.1"]
`;
}
