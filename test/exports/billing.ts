/** Small billing systems over real sockets: each takes what the real one takes, once per key, and fails as told. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { ExportConfig } from "../../src/config/config.ts";
import { nanoUsd, parseUsd } from "../../src/money/amount.ts";

/** What a request is answered before the system has looked at it, or `hang`; undefined lets it be looked at. */
export type Trouble = () => number | "hang" | "lost" | undefined;

export interface Billing {
  readonly config: ExportConfig;
  /** Nano-dollars by customer. */
  readonly sums: ReadonlyMap<string, bigint>;
  /** Of events that were taken, in order. */
  readonly keys: readonly string[];
  readonly requests: () => number;
  trouble: Trouble;
  /** Customers that the system knows; null for any. */
  known: ReadonlySet<string> | null;
}

interface Usage {
  readonly key: string;
  readonly customer: string;
  readonly nano: bigint;
}

type Kind = ExportConfig["to"];

export async function startBilling(t: TestContext, to: Kind): Promise<Billing> {
  const sums = new Map<string, bigint>();
  const keys: string[] = [];
  let requests = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests += 1;
    const body = await text(request);
    const trouble = billing.trouble();
    if (trouble === "hang") return;
    if (typeof trouble === "number") return void response.writeHead(trouble).end("trouble");
    if (request.headers.authorization !== "Bearer key") return void response.writeHead(401).end();
    const usage = READERS[to](request.url ?? "", String(request.headers["content-type"]), body);
    if (usage === null || billing.known?.has(usage.customer) === false) {
      return void response.writeHead(400).end("no such customer");
    }
    const isNew = !keys.includes(usage.key);
    if (isNew) keys.push(usage.key);
    if (isNew) sums.set(usage.customer, (sums.get(usage.customer) ?? 0n) + usage.nano);
    // Taken, but nobody is told so.
    if (trouble === "lost") return void response.destroy();
    const [status, told] = isNew ? ([200, "{}"] as const) : DUPLICATES[to];
    response.writeHead(status).end(told);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const apiBase = `http://127.0.0.1:${String(port)}`;
  const billing: Billing = {
    config: { to, apiBase, apiKey: "key", meter: "llm_spend" },
    sums,
    keys,
    requests: () => requests,
    trouble: () => undefined,
    known: null,
  };
  return billing;
}

/** How each answers what it has already. */
const DUPLICATES: Readonly<Record<Kind, readonly [number, string]>> = {
  stripe: [400, '{"error":{"code":"duplicate_meter_event"}}'],
  openmeter: [204, ""],
  lago: [422, '{"status":422,"error_details":{"transaction_id":["value_already_exist"]}}'],
};

const READERS: Readonly<Record<Kind, (path: string, type: string, body: string) => Usage | null>> =
  {
    stripe(path, type, body) {
      const form = new URLSearchParams(body);
      const isRight = path === "/v1/billing/meter_events" && type.includes("x-www-form-urlencoded");
      const value = form.get("payload[value]") ?? "";
      const seconds = Number(form.get("timestamp"));
      if (!isRight || form.get("event_name") !== "llm_spend" || !/^-?\d+$/.test(value)) return null;
      if (!Number.isInteger(seconds)) return null;
      const customer = form.get("payload[stripe_customer_id]") ?? "";
      return { key: form.get("identifier") ?? "", customer, nano: BigInt(value) };
    },
    openmeter(path, type, body) {
      if (path !== "/api/v1/events" || type !== "application/cloudevents+json") return null;
      const event = JSON.parse(body) as Record<string, string> & { data: { charge_usd: string } };
      const { specversion, id = "", source, subject = "", time = "", type: kind } = event;
      const isRight =
        specversion === "1.0" && kind === "llm_spend" && !Number.isNaN(Date.parse(time));
      if (!isRight) return null;
      const nano = parseUsd(event.data.charge_usd) ?? nanoUsd(0n);
      return { key: `${String(source)} ${id}`, customer: subject, nano };
    },
    lago(path, type, body) {
      if (path !== "/api/v1/events" || type !== "application/json") return null;
      const { event } = JSON.parse(body) as {
        event: Record<string, string> & { properties: { charge_usd: string } };
      };
      if (event["code"] !== "llm_spend" || !(Number(event["timestamp"]) >= 0)) return null;
      const nano = parseUsd(event.properties.charge_usd) ?? nanoUsd(0n);
      const cents = Number(event["precise_total_amount_cents"]);
      if (Math.abs(cents - Number(nano) / 1e7) > 1e-6) return null;
      const customer = event["external_subscription_id"] ?? "";
      return { key: event["transaction_id"] ?? "", customer, nano };
    },
  };
