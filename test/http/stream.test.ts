/** Answers of any length are made as fast as they are taken, over a real socket. */

import assert from "node:assert/strict";
import { connect, type AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import fastify, { type FastifyInstance } from "fastify";
import { jsonArray, sendPieces } from "../../src/admin/stream.ts";
import { until } from "../support/until.ts";

const PIECE = "x".repeat(100_000);
const PIECES = 5_000;

/** More than the buffers of both ends of a socket hold, and far less than the answer. */
const PIECES_AHEAD_MAX = 200;

test("who does not read keeps the rest of an answer from being made", async (t) => {
  let made = 0;
  let ended = false;
  async function* pieces(): AsyncGenerator<string> {
    try {
      for (; made < PIECES; made++) yield await Promise.resolve(PIECE);
    } finally {
      ended = true;
    }
  }
  const port = await serving(t, (app) => {
    app.get("/", (_request, reply) => sendPieces(reply, "text/plain", pieces()));
  });
  const client = connect(port, "127.0.0.1");
  client.pause();
  client.write("GET / HTTP/1.1\r\nhost: purser\r\n\r\n");
  await until(async () => made > 0 && (await standsStill(() => made)));
  assert.ok(made < PIECES_AHEAD_MAX, `${String(made)} pieces were made for nobody`);
  client.destroy();
  await until(() => Promise.resolve(ended));
});

test("an answer that fails before its first chunk is an error, and one that fails later is cut off", async (t) => {
  const port = await serving(t, (app) => {
    app.get("/:after", (request, reply) => {
      const { after } = request.params as { readonly after: string };
      return sendPieces(reply, "text/plain", failing(Number(after)));
    });
  });
  const base = `http://127.0.0.1:${String(port)}`;
  assert.equal((await fetch(`${base}/0`)).status, 500);
  const later = await fetch(`${base}/2`);
  assert.equal(later.status, 200);
  await assert.rejects(later.text());
});

test("pages become one JSON array, also where they are empty", async () => {
  for (const pages of [[], [[]], [[1, 2]], [[], [1], [], [2, 3], []]]) {
    const text = (await Array.fromAsync(jsonArray(pagesOf(pages)))).join("");
    assert.deepEqual(JSON.parse(text), pages.flat());
  }
});

async function* failing(after: number): AsyncGenerator<string> {
  for (let index = 0; index < after; index++) yield await Promise.resolve(PIECE);
  throw new Error("the database went away");
}

async function* pagesOf(pages: readonly number[][]): AsyncGenerator<readonly number[]> {
  for (const page of pages) yield await Promise.resolve(page);
}

async function serving(t: TestContext, routes: (app: FastifyInstance) => void): Promise<number> {
  const app = fastify({ forceCloseConnections: true });
  routes(app);
  await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

/** Through as many turns of the event loop as would have made many pieces more. */
async function standsStill(count: () => number): Promise<boolean> {
  const before = count();
  for (let turn = 0; turn < 2_000; turn++) await setImmediate();
  return count() === before;
}
