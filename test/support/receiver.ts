/** A webhook receiver over a real socket. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { PATIENCE_MS } from "./until.ts";

export interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export interface Receiver {
  readonly url: string;
  readonly bodies: Record<string, unknown>[];
  /** The first delivery, past or to come, of this kind; rejects if there is none in a while. */
  next(wanted: (body: Record<string, unknown>) => boolean): Promise<Delivery>;
  close(): Promise<void>;
}

export async function startReceiver(status = 200): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const waiting = new Set<(delivery: Delivery) => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const body = JSON.parse(text) as Record<string, unknown>;
      const delivery = { headers: request.headers, text, body };
      deliveries.push(delivery);
      for (const notify of waiting) notify(delivery);
      response.writeHead(status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/hook`,
    get bodies() {
      return deliveries.map(({ body }) => body);
    },
    next(wanted) {
      const past = deliveries.find(({ body }) => wanted(body));
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        const impatient = setTimeout(() => reject(new Error("it never came")), PATIENCE_MS);
        const notify = (delivery: Delivery) => {
          if (!wanted(delivery.body)) return;
          clearTimeout(impatient);
          waiting.delete(notify);
          resolve(delivery);
        };
        waiting.add(notify);
      });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
