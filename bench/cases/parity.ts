/** A mixed load whose every answer is added up by the client, the upstream and the ledger: three books, one sum. */

import { runLoad } from "../load.ts";
import { costNano } from "../money.ts";
import { createCustomers, readCallCount, readSpend } from "../peers/purser.ts";
import { call, names, usageOf } from "../requests.ts";
import type { Row } from "../results.ts";
import type { Server } from "../server.ts";
import { readTruth, resetTruth } from "../truth.ts";

const CONCURRENCY = 32;
const CUSTOMERS = 50;
/** One call in so many fails at the provider and must cost nothing; one in so many is a stream. */
const FAILS_EVERY = 20;
const STREAMS_EVERY = 3;

export interface ParityPlan {
  readonly server: Server;
  readonly upstream: string;
  readonly requests: number;
}

export async function measureParity(plan: ParityPlan): Promise<Row> {
  const customers = names("parity", CUSTOMERS);
  const customerOf = (index: number): string => `parity-${index % CUSTOMERS}`;
  await createCustomers(plan.server.origin, customers, "1000");
  await resetTruth(plan.upstream);
  const received = new Map<string, bigint>();
  let answered = 0;
  const load = await runLoad({
    origin: plan.server.origin,
    concurrency: CONCURRENCY,
    requestsMax: plan.requests,
    request: (index) =>
      call(plan.server, {
        customer: customerOf(index),
        stream: index % STREAMS_EVERY === 0,
        script: {
          promptTokens: 1 + (index % 37),
          completionTokens: "lognormal",
          status: index % FAILS_EVERY === 7 ? 500 : 200,
        },
        maxTokens: 400,
      }),
    check: (answer, index) => {
      const usage = usageOf(answer);
      if (usage === null) return answer.status >= 500 && index % FAILS_EVERY === 7;
      const cost = costNano(usage.promptTokens, usage.completionTokens);
      received.set(customerOf(index), (received.get(customerOf(index)) ?? 0n) + cost);
      answered += 1;
      return true;
    },
  });
  const truth = await readTruth(plan.upstream);
  const spend = await readSpend(plan.server.origin, customers);
  const sum = (nano: (customer: string) => bigint): bigint =>
    customers.reduce((total, customer) => total + nano(customer), 0n);
  const posted = sum((customer) => spend.get(customer) ?? 0n);
  const differ = customers.filter((customer) => spend.get(customer) !== received.get(customer));
  const calls = customers.reduce((total, customer) => total + (truth[customer]?.finished ?? 0), 0);
  return {
    server: plan.server.name,
    values: {
      "calls answered": answered,
      "calls at upstream": calls,
      "calls in ledger": await readCallCount(plan.server.origin),
      "client nano$": Number(sum((customer) => received.get(customer) ?? 0n)),
      "upstream nano$": Number(sum((customer) => BigInt(truth[customer]?.nanoUsd ?? 0))),
      "ledger nano$": Number(posted),
      "ledger − client nano$": Number(posted - sum((customer) => received.get(customer) ?? 0n)),
      "customers that differ": differ.length,
      errors: load.errors,
    },
    ...(load.firstError === null ? {} : { note: `first error: ${load.firstError}` }),
  };
}
