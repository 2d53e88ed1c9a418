/** A webhook receiver on a real socket that keeps what it was sent and answers as a test tells it to. */

import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `count` is how many requests have come, this one included. */
export type Answer = (response: ServerResponse, request: Received, count: number) => void;

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** The most that were under way at a time. */
  readonly concurrencyMax: () => number;
  /** From now on. */
  answer(answer: Answer): void;
  /** Resolves once that many have come. */
  until(count: number): Promise<void>;
  close(): void;
}

export const OK: Answer = (response) => void response.writeHead(200).end();
export const BROKEN: Answer = (response) => void response.writeHead(500).end("no");
export const HANGING: Answer = () => undefined;

/** Closed at the end of the test. */
export async function startReceiver(t: TestContext, first: Answer = OK): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  let answer = first;
  let underWay = 0;
  let concurrencyMax = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    underWay += 1;
    concurrencyMax = Math.max(concurrencyMax, underWay);
    response.once("close", () => (underWay -= 1));
    const { method = "", url: path = "", headers } = request;
    const one = { method, path, headers, body: await text(request) };
    received.push(one);
    for (const { count, resolve } of waiting) if (received.length >= count) resolve();
    answer(response, one, received.length);
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  t.after(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    concurrencyMax: () => concurrencyMax,
    answer: (next) => (answer = next),
    until: (count) =>
      new Promise((resolve) => {
        if (received.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close,
  };
}

export function idsOf(received: readonly Received[]): readonly string[] {
  return received.map(({ headers }) => String(headers["webhook-id"]));
}
