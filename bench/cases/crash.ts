/** Kills the gateway under load, again and again, then asks the ledger for every call that a client saw answered. */

import { setTimeout as pause } from "node:timers/promises";
import { runLoad } from "../load.ts";
import { costNano } from "../money.ts";
import { readSpend, startPurser, type Site } from "../peers/purser.ts";
import { call, usageOf } from "../requests.ts";
import type { Row } from "../results.ts";
import { median, significant } from "../statistics.ts";

const CONCURRENCY = 32;
/** The kill falls somewhere in this span after the load began. */
const KILL_AFTER_MS_MIN = 200;
const KILL_AFTER_MS_MAX = 900;

export interface CrashPlan {
  readonly site: Site;
  readonly kills: number;
}

/** A customer for each call, so that a loss of one call cannot hide behind a surplus of another. */
interface Sent {
  readonly answered: Map<string, bigint>;
  readonly unanswered: string[];
}

export async function measureCrash(plan: CrashPlan): Promise<Row> {
  const sent: Sent = { answered: new Map(), unanswered: [] };
  const startMs: number[] = [];
  for (let cycle = 0; cycle < plan.kills; cycle++) {
    const share = (cycle + 0.5) / plan.kills;
    const killAfterMs = KILL_AFTER_MS_MIN + share * (KILL_AFTER_MS_MAX - KILL_AFTER_MS_MIN);
    startMs.push(await loadAndKill(plan.site, sent, { cycle, killAfterMs }));
  }
  const startedAt = Date.now();
  const server = await startPurser(plan.site);
  startMs.push(Date.now() - startedAt);
  const answered = await readSpend(server.origin, [...sent.answered.keys()]);
  const unanswered = await readSpend(server.origin, sent.unanswered);
  await server.stop();
  return rowOf(plan, { sent, answered, unanswered, startMs: startMs.slice(1) });
}

/** Answers how long the gateway took to be ready. */
async function loadAndKill(
  site: Site,
  sent: Sent,
  plan: { readonly cycle: number; readonly killAfterMs: number },
): Promise<number> {
  const startedAt = Date.now();
  const server = await startPurser(site);
  const startMs = Date.now() - startedAt;
  const customer = (index: number): string => `crash-${plan.cycle}-${index}`;
  let killed = false;
  const load = runLoad({
    origin: server.origin,
    concurrency: CONCURRENCY,
    until: () => killed,
    secondsMax: 10,
    request: (index) =>
      call(server, {
        customer: customer(index),
        stream: index % 2 === 1,
        script: { completionTokens: 20 + (index % 20), pace: "turn" },
        maxTokens: 64,
      }),
    check: (answer, index) => {
      const usage = usageOf(answer);
      if (usage === null) sent.unanswered.push(customer(index));
      else sent.answered.set(customer(index), costNano(usage.promptTokens, usage.completionTokens));
      return usage !== null;
    },
  });
  await pause(plan.killAfterMs);
  killed = true;
  await server.kill();
  await load;
  return startMs;
}

interface Found {
  readonly sent: Sent;
  readonly answered: ReadonlyMap<string, bigint | null>;
  readonly unanswered: ReadonlyMap<string, bigint | null>;
  readonly startMs: readonly number[];
}

function rowOf(plan: CrashPlan, found: Found): Row {
  let truth = 0n;
  let lost = 0n;
  let surplus = 0n;
  for (const [customer, cost] of found.sent.answered) {
    const posted = found.answered.get(customer) ?? 0n;
    truth += cost;
    if (posted < cost) lost += cost - posted;
    else surplus += posted - cost;
  }
  const charged = [...found.unanswered.values()].reduce(
    (sum: bigint, nano) => sum + (nano ?? 0n),
    0n,
  );
  return {
    server: plan.site.name,
    values: {
      kills: plan.kills,
      "calls answered": found.sent.answered.size,
      "truth nano$": Number(truth),
      "lost nano$": Number(lost),
      "charged twice nano$": Number(surplus),
      "calls unanswered": found.sent.unanswered.length,
      "charged for these nano$": Number(charged),
      "restart p50 ms": significant(median(found.startMs)),
    },
  };
}
