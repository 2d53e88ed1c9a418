/** What thousands of events that wait for an endpoint that is not there cost a call. */

import { openClient, runLoad, send, type Answer } from "../load.ts";
import { ADMIN_HEADERS, type Purser } from "../peers/purser.ts";
import { call, names } from "../requests.ts";
import type { Row } from "../results.ts";
import { freePort } from "../server.ts";
import { percentile, significant } from "../statistics.ts";

/** Calls to one server before the other has its turn; the first of them find cold caches, and are not counted. */
const TURN_CALLS = 25;
const TURN_WARM_UP_CALLS = 5;

const CUSTOMERS = names("dead", 200);
const CONCURRENCY = 16;

export interface DeadEndpointPlan {
  /** Two of a kind; one of them gets the endpoint. */
  readonly calm: Purser;
  readonly burdened: Purser;
  readonly events: number;
  readonly requests: number;
}

export async function measureDeadEndpoint(plan: DeadEndpointPlan): Promise<Row> {
  const { calm, burdened } = plan;
  // Of no kind but the calls', so that each call makes one event that waits.
  const endpoint = { url: await deadAddress(), types: ["customer.spend_tracked"] };
  await admin(burdened, "/webhooks/endpoints", endpoint);
  for (const server of [calm, burdened]) await load(server, plan.events);
  const ms = { calm: [] as number[], burdened: [] as number[] };
  for (let done = 0; done < plan.requests; done += TURN_CALLS) {
    ms.calm.push(...(await takeTurn(calm)));
    ms.burdened.push(...(await takeTurn(burdened)));
  }
  const figures = (share: number): readonly [number, number] => [
    significant(percentile(ms.calm, share)),
    significant(percentile(ms.burdened, share)),
  ];
  const [[calm50, burdened50], [calm99, burdened99]] = [figures(0.5), figures(0.99)];
  return {
    server: calm.name,
    values: {
      "events waiting": await waiting(burdened),
      "p50 ms without": calm50,
      "p50 ms with": burdened50,
      "p99 ms without": calm99,
      "p99 ms with": burdened99,
    },
  };
}

/** Nothing listens there, so that every attempt is refused at once: the most attempts that there can be. */
async function deadAddress(): Promise<string> {
  return `http://127.0.0.1:${String(await freePort())}/`;
}

async function load(server: Purser, calls: number): Promise<void> {
  const result = await runLoad({
    origin: server.origin,
    concurrency: CONCURRENCY,
    requestsMax: calls,
    request: (index) => requestOf(server, index),
  });
  if (result.errors > 0) throw new Error(`a call was answered ${String(result.firstError)}`);
}

async function takeTurn(server: Purser): Promise<readonly number[]> {
  const client = openClient(server.origin, 1);
  const ms: number[] = [];
  for (let n = -TURN_WARM_UP_CALLS; n < TURN_CALLS; n++) {
    const answer = await send(client, requestOf(server, n + TURN_WARM_UP_CALLS));
    if (answer.status !== 200) throw new Error(`a call was answered ${String(answer.status)}`);
    if (n >= 0) ms.push(answer.ms);
  }
  await client.close();
  return ms;
}

function requestOf(server: Purser, index: number) {
  const customer = CUSTOMERS[index % CUSTOMERS.length] ?? "";
  return call(server, { customer, stream: false, script: {} });
}

async function waiting(server: Purser): Promise<number> {
  const answer = await get(server, "/metrics");
  return Number(/^purser_outbox_pending (\d+)/m.exec(answer.body.toString())?.[1] ?? 0);
}

async function get(server: Purser, path: string): Promise<Answer> {
  const client = openClient(server.origin, 1);
  const answer = await send(client, { method: "GET", path, headers: ADMIN_HEADERS, body: "" });
  await client.close();
  return answer;
}

async function admin(server: Purser, path: string, body: unknown): Promise<void> {
  const client = openClient(server.origin, 1);
  const answer = await send(client, {
    path,
    headers: ADMIN_HEADERS,
    body: JSON.stringify(body),
  });
  await client.close();
  if (answer.status !== 200) throw new Error(`${path} answered ${String(answer.status)}`);
}
