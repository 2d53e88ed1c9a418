/** Many concurrent streams against small budgets: what the upstream produced for each customer, against its limit. */

import type { Pool } from "undici";
import { setTimeout as pause } from "node:timers/promises";
import { describe, openClient, send, type Answer } from "../load.ts";
import { nanoFromDollars } from "../money.ts";
import { call, errorType, names } from "../requests.ts";
import type { Row } from "../results.ts";
import type { Server } from "../server.ts";
import { significant } from "../statistics.ts";
import { readTruth, resetTruth, type TruthByCustomer } from "../truth.ts";

const STREAMS = 128;
const CUSTOMERS = 8;
/** About 2,500 output tokens: a good dozen answers of median length, or two and a half of the longest asked for. */
export const OVERSHOOT_BUDGET = "0.0015";
const MAX_TOKENS = 1024;
const PACE_MS = 1;

/** A client that is told that headroom is held tries again, sooner than it is told to. */
const RETRY_MS = 50;
const SECONDS_MAX = 30;
/** A server that only errs is given up. */
const ERRORS_MAX = 200;

export interface OvershootPlan {
  readonly server: Server;
  readonly upstream: string;
  /** Makes the customers, each with `OVERSHOOT_BUDGET`. */
  readonly prepare: (customers: readonly string[]) => Promise<void>;
  readonly readSpend: (customers: readonly string[]) => Promise<ReadonlyMap<string, bigint | null>>;
}

interface Tally {
  served: number;
  refused: number;
  waited: number;
  errors: number;
  firstError: string | null;
}

export async function measureOvershoot(plan: OvershootPlan): Promise<Row> {
  const customers = names("overshoot", CUSTOMERS);
  await plan.prepare(customers);
  await resetTruth(plan.upstream);
  const tally: Tally = { served: 0, refused: 0, waited: 0, errors: 0, firstError: null };
  const client = openClient(plan.server.origin, STREAMS);
  const endsAt = Date.now() + SECONDS_MAX * 1000;
  const workers = Array.from({ length: STREAMS }, async (_, index) => {
    await spendAll({
      client,
      plan,
      tally,
      endsAt,
      index,
      customer: `overshoot-${index % CUSTOMERS}`,
    });
  });
  await Promise.all(workers);
  await client.destroy();
  const spend = await plan.readSpend(customers);
  return rowOf(plan.server.name, {
    tally,
    customers,
    spend,
    truth: await readTruth(plan.upstream),
  });
}

interface Worker {
  readonly client: Pool;
  readonly plan: OvershootPlan;
  readonly tally: Tally;
  readonly endsAt: number;
  readonly index: number;
  readonly customer: string;
}

/** Streams one answer after the other until the budget is spent. Every second client sets no limit of its own. */
async function spendAll(worker: Worker): Promise<void> {
  const { tally } = worker;
  const request = call(worker.plan.server, {
    customer: worker.customer,
    stream: true,
    script: { completionTokens: "lognormal", pace: PACE_MS },
    ...(worker.index % 16 < CUSTOMERS ? { maxTokens: MAX_TOKENS } : {}),
  });
  while (Date.now() < worker.endsAt && tally.errors < ERRORS_MAX) {
    const answer = await send(worker.client, request);
    const verdict = verdictOf(answer);
    tally[verdict] += 1;
    if (verdict === "refused") return;
    if (verdict === "errors") tally.firstError ??= describe(answer);
    if (verdict !== "served") await pause(RETRY_MS);
  }
}

function verdictOf(answer: Answer): "served" | "refused" | "waited" | "errors" {
  if (answer.status === 200) return "served";
  if (errorType(answer) === "budget_exceeded") return "refused";
  return errorType(answer) === "headroom_held" ? "waited" : "errors";
}

interface Found {
  readonly tally: Tally;
  readonly customers: readonly string[];
  readonly truth: TruthByCustomer;
  readonly spend: ReadonlyMap<string, bigint | null>;
}

function rowOf(server: string, found: Found): Row {
  const limit = Number(nanoFromDollars(Number(OVERSHOOT_BUDGET)));
  const produced = found.customers.map((customer) => found.truth[customer]?.nanoUsd ?? 0);
  const posted = found.customers.map((customer) => Number(found.spend.get(customer) ?? 0n));
  const over = produced.map((nano) => Math.max(0, nano - limit));
  const differ = produced.filter((nano, index) => nano !== posted[index]).length;
  return {
    server,
    values: {
      "limit $": (limit * CUSTOMERS) / 1e9,
      "truth $": total(produced) / 1e9,
      "ledger $": total(posted) / 1e9,
      "overshoot %": significant((total(over) / (limit * CUSTOMERS)) * 100),
      "worst customer %": significant((Math.max(...over) / limit) * 100),
      "budget used %": significant((total(produced) / (limit * CUSTOMERS)) * 100),
      "customers where ledger ≠ truth": differ,
      served: found.tally.served,
      refused: found.tally.refused,
      "told to wait": found.tally.waited,
      errors: found.tally.errors,
    },
    ...(found.tally.firstError === null ? {} : { note: `first error: ${found.tally.firstError}` }),
  };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0);
}
