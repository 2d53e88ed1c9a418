/** One attempt, over a real socket. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { resolveByDns } from "../../src/events/address.ts";
import {
  closeChannel,
  deliver,
  openChannel,
  type Channel,
  type Message,
} from "../../src/events/deliver.ts";
import { NEVER_MS } from "./loop.ts";
import { HANGING, startReceiver } from "./receiver.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MESSAGE: Message = {
  id: "evt_1",
  at: 1_700_000_000_999,
  body: '{"spend":0.001112,"é":1}',
  secrets: "unsigned",
};
const BOUNDS = { timeoutMs: 10_000, connectionsMax: 1 };

function open(t: TestContext, url: string, bounds = BOUNDS): Channel {
  const guard = { networksAllowed: [], resolve: resolveByDns };
  const channel = openChannel({ url, isTrusted: true }, { ...bounds, ...guard });
  t.after(() => closeChannel(channel));
  return channel;
}

test("an event is posted as JSON, to the whole of the address, with its id and the time in seconds", async (t) => {
  const receiver = await startReceiver(t);
  const endpoint = open(t, `${receiver.url}?from=purser`);
  assert.deepEqual(await deliver(MESSAGE, endpoint), { kind: "delivered", status: 200 });
  const [got] = receiver.received;
  assert.equal(got?.method, "POST");
  assert.equal(got?.path, "/hook?from=purser");
  assert.equal(got?.body, MESSAGE.body);
  assert.equal(got?.headers["content-type"], "application/json");
  assert.equal(got?.headers["webhook-id"], "evt_1");
  assert.equal(got?.headers["webhook-timestamp"], "1700000000");
  assert.equal("webhook-signature" in (got?.headers ?? {}), false);
  assert.equal("authorization" in (got?.headers ?? {}), false);
});

test("the signature is the HMAC of id, time and body, by anybody's reckoning", async (t) => {
  const receiver = await startReceiver(t);
  const secrets = [{ text: SECRET, until: null }];
  await deliver({ ...MESSAGE, secrets }, open(t, receiver.url));
  const [got] = receiver.received;
  const hmac = createHmac("sha256", Buffer.from(SECRET.slice("whsec_".length), "base64"));
  const expected = hmac.update(`evt_1.1700000000.${MESSAGE.body}`).digest("base64");
  assert.equal(got?.headers["webhook-signature"], `v1,${expected}`);
});

test("credentials in the address become basic authentication", async (t) => {
  const receiver = await startReceiver(t);
  const url = receiver.url.replace("http://", "http://billing:p%40ss@");
  assert.deepEqual(await deliver(MESSAGE, open(t, url)), { kind: "delivered", status: 200 });
  const expected = `Basic ${Buffer.from("billing:p@ss").toString("base64")}`;
  assert.equal(receiver.received[0]?.headers.authorization, expected);
});

for (const status of [200, 201, 202, 204]) {
  test(`${String(status)} is a delivery`, async (t) => {
    const receiver = await startReceiver(t, (response) => void response.writeHead(status).end());
    const attempt = await deliver(MESSAGE, open(t, receiver.url));
    assert.deepEqual(attempt, { kind: "delivered", status });
  });
}

for (const status of [400, 404, 410, 429, 500, 503]) {
  test(`${String(status)} is a failure`, async (t) => {
    const receiver = await startReceiver(t, (response) => void response.writeHead(status).end("x"));
    const attempt = await deliver(MESSAGE, open(t, receiver.url));
    const reason = `the receiver answered ${String(status)}`;
    assert.deepEqual(attempt, { kind: "failed", status, reason });
  });
}

for (const status of [301, 302, 307, 308]) {
  test(`${String(status)} is a failure and is not followed`, async (t) => {
    const elsewhere = await startReceiver(t);
    const receiver = await startReceiver(t, (response) => {
      response.writeHead(status, { location: elsewhere.url }).end();
    });
    const attempt = await deliver(MESSAGE, open(t, receiver.url));
    const reason = `the receiver answered ${String(status)}`;
    assert.deepEqual(attempt, { kind: "failed", status, reason });
    assert.equal(elsewhere.received.length, 0);
  });
}

test("a receiver that hangs is a failure after the timeout, and its connection is given up", async (t) => {
  const closed = Promise.withResolvers<void>();
  const receiver = await startReceiver(
    t,
    (response) => void response.once("close", closed.resolve),
  );
  const bounds = { timeoutMs: 50, connectionsMax: 1 };
  const endpoint = open(t, receiver.url, bounds);
  const attempt = await deliver(MESSAGE, endpoint);
  assert.deepEqual(attempt, { kind: "failed", status: null, reason: "no answer within 50 ms" });
  await closed.promise;
});

test("an answer whose body never ends was an answer", async (t) => {
  const receiver = await startReceiver(t, (response) => void response.writeHead(200).write("a"));
  const bounds = { timeoutMs: 50, connectionsMax: 1 };
  const endpoint = open(t, receiver.url, bounds);
  assert.deepEqual(await deliver(MESSAGE, endpoint), { kind: "delivered", status: 200 });
});

test("an answer as long as the receiver likes is not read to its end", async (t) => {
  const page = Buffer.alloc(64 * 1024);
  const closed = Promise.withResolvers<void>();
  const receiver = await startReceiver(t, (response) => {
    const endless = new Readable({ read: () => void endless.push(page) });
    response.once("close", closed.resolve);
    endless.pipe(response);
  });
  const bounds = { timeoutMs: NEVER_MS, connectionsMax: 1 };
  const endpoint = open(t, receiver.url, bounds);
  assert.deepEqual(await deliver(MESSAGE, endpoint), { kind: "delivered", status: 200 });
  await closed.promise;
});

test("short answers leave the connection for the next event", async (t) => {
  const ports = new Set<string>();
  const receiver = await startReceiver(t, (response, request) => {
    ports.add(`${String(response.socket?.remotePort)} ${request.path}`);
    response.writeHead(200).end("thank you");
  });
  const endpoint = open(t, receiver.url);
  for (const id of ["evt_1", "evt_2", "evt_3"]) await deliver({ ...MESSAGE, id }, endpoint);
  assert.equal(receiver.received.length, 3);
  assert.equal(ports.size, 1);
});

test("a receiver that is not there is a failure that names the reason and not the address", async (t) => {
  const receiver = await startReceiver(t);
  receiver.close();
  const url = receiver.url.replace("http://", "http://billing:secret@");
  const attempt = await deliver(MESSAGE, open(t, url));
  assert.deepEqual(attempt, {
    kind: "failed",
    status: null,
    reason: "no connection: ECONNREFUSED",
  });
});

test("closing the endpoint breaks off what is under way", async (t) => {
  const receiver = await startReceiver(t, HANGING);
  const endpoint = open(t, receiver.url);
  const attempt = deliver(MESSAGE, endpoint);
  await receiver.until(1);
  await closeChannel(endpoint);
  assert.equal((await attempt).kind, "failed");
});
