/** `Idempotency-Key` on calls: made once, charged once, answered with the same bytes. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { postingsOf } from "../support/postings.ts";
import { events, geminiChunk } from "../support/dialects.ts";
import {
  MASTER_KEY,
  modelAt,
  pricedModel,
  startTestPurser,
  type TestPurser,
} from "../support/purser.ts";
import { until } from "../support/until.ts";
import {
  delta,
  json,
  startStream,
  startUpstream,
  streamed,
  whole,
  type Upstream,
} from "../support/upstream.ts";

const MESSAGES = [{ role: "user", content: "hi" }];

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let address: string;

  before(async () => {
    upstream = await startUpstream();
    address = await database();
    const { origin } = upstream;
    const gemini = modelAt("gemini", "gemini/gemini-2.5-flash", origin);
    const models = [pricedModel("m", origin), gemini];
    purser = await startTestPurser({ database: address, upstream: upstream.origin, models });
  });
  beforeEach(() => {
    upstream.received.length = 0;
    upstream.answer = whole();
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  function send(name: string, more: object = {}) {
    const body = { model: "m", user: name, max_tokens: 20, messages: MESSAGES, ...more };
    return purser.post("/v1/chat/completions", body, { "idempotency-key": name });
  }

  test("the same key is one call, one charge and the same bytes", async () => {
    const first = await send("same");
    const again = await send("same");
    assert.deepEqual([again.status, again.text], [first.status, first.text]);
    assert.equal(again.headers.get("x-litellm-response-cost"), "0.06");
    assert.equal(again.headers.get("x-purser-replayed"), "true");
    assert.equal(upstream.received.length, 1);
    assert.equal((await postingsOf(address, "same")).length, 1);
  });

  test("a stream is repeated to the last event", async () => {
    upstream.answer = streamed(["Hel", "lo."]);
    const first = await send("streamed", { stream: true });
    const again = await send("streamed", { stream: true });
    assert.match(first.text, /Hel.*\[DONE\]/s);
    assert.equal(again.text, first.text);
    assert.equal(upstream.received.length, 1);
  });

  test("another body under the same key is a conflict, and is not forwarded", async () => {
    await send("other");
    const { status, body } = await send("other", { temperature: 1 });
    assert.deepEqual([status, body.error.type], [409, "idempotency_error"]);
    assert.equal(upstream.received.length, 1);
  });

  test("while the call is in flight its key is a conflict that says when to come back", async () => {
    const answering = Promise.withResolvers<void>();
    upstream.answer = async (received, response) => {
      await answering.promise;
      await whole()(received, response);
    };
    const first = send("flying");
    await until(async () => upstream.received.length === 1);
    const second = await send("flying");
    assert.deepEqual([second.status, second.headers.get("retry-after")], [409, "1"]);
    answering.resolve();
    assert.equal((await first).status, 200);
    assert.equal((await send("flying")).status, 200);
    assert.equal(upstream.received.length, 1);
  });

  test("a call that came to nothing leaves its key free", async () => {
    upstream.answer = whole(undefined, 503);
    assert.equal((await send("failed")).status, 502);
    upstream.answer = whole();
    assert.equal((await send("failed")).status, 200);
    await purser.post("/customer/new", { user_id: "poor", max_budget: 0.000001 });
    assert.equal((await send("poor")).status, 429);
    assert.equal((await send("poor")).status, 429);
  });

  test("who leaves and asks again gets the whole answer, for one charge", async () => {
    const answering = Promise.withResolvers<void>();
    upstream.answer = async (_received, response) => {
      startStream(response);
      response.write(delta("Hel"));
      await answering.promise;
      response.end(`${delta("lo.")}data: [DONE]\n\n`);
    };
    const leaving = new AbortController();
    const body = { model: "m", user: "left", max_tokens: 20, messages: MESSAGES, stream: true };
    const response = await fetch(`${purser.base}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${MASTER_KEY}`,
        "content-type": "application/json",
        "idempotency-key": "left",
      },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    answering.resolve();
    await until(async () => (await postingsOf(address, "left")).length === 1);
    await until(async () => (await send("left", { stream: true })).status === 200);
    const again = await send("left", { stream: true });
    assert.match(again.text, /Hel.*lo\..*\[DONE\]/s);
    assert.equal(upstream.received.length, 1);
  });

  test("the key of one caller is not another's", async () => {
    const made = await purser.post("/key/generate", {});
    await send("shared");
    const body = { model: "m", user: "shared", max_tokens: 20, messages: MESSAGES };
    const theirs = {
      "idempotency-key": "shared",
      authorization: `Bearer ${String(made.body.key)}`,
    };
    const reply = await purser.post("/v1/chat/completions", body, theirs);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers.get("x-purser-replayed"), null);
    assert.equal(upstream.received.length, 2);
  });

  test("a key that was blocked cannot read what it was answered before", async () => {
    const made = await purser.post("/key/generate", {});
    const headers = { "idempotency-key": "kept", authorization: `Bearer ${String(made.body.key)}` };
    const body = { model: "m", user: "kept", max_tokens: 20, messages: MESSAGES };
    assert.equal((await purser.post("/v1/chat/completions", body, headers)).status, 200);
    await purser.post("/key/block", { key: made.body.key });
    const reply = await purser.post("/v1/chat/completions", body, headers);
    assert.equal(reply.status, 401, reply.text);
    assert.equal(upstream.received.length, 1);
  });

  test("the same body asked for in another form is another request", async () => {
    const path = "/v1beta/models/gemini:streamGenerateContent";
    const body = { user: "form", contents: [{ role: "user", parts: [{ text: "hi" }] }] };
    upstream.answer = events(geminiChunk("Hello.", { finishReason: "STOP" }));
    const headers = { "idempotency-key": "form" };
    assert.equal((await purser.post(`${path}?alt=sse`, body, headers)).status, 200);
    const reply = await purser.post(path, body, headers);
    assert.equal(reply.status, 409, reply.text);
    assert.equal(upstream.received.length, 1);
  });

  test("who names another customer under the same key is not given the first one's answer", async () => {
    const body = { model: "m", max_tokens: 20, messages: MESSAGES };
    const as = (customer: string) =>
      purser.post("/v1/chat/completions", body, {
        "idempotency-key": "named",
        "x-litellm-end-user-id": customer,
      });
    assert.equal((await as("first")).status, 200);
    const other = await as("second");
    assert.equal(other.status, 409, other.text);
    assert.equal((await postingsOf(address, "second")).length, 0);
  });

  test("a failure that was billed is charged once, and is the answer from then on", async () => {
    upstream.answer = whole({ prompt_tokens: 20, completion_tokens: 20, total_tokens: 40 }, 500);
    const first = await send("billed failure");
    const seen = upstream.received.length;
    const again = await send("billed failure");
    assert.equal(first.status, 502, first.text);
    assert.deepEqual([again.status, again.text], [502, first.text]);
    assert.equal(again.headers.get("x-purser-replayed"), "true");
    assert.equal(upstream.received.length, seen);
    assert.equal((await postingsOf(address, "billed failure")).length, 1);
  });

  test("an answer that is too long to keep is not made a second time", async () => {
    upstream.answer = (_received, response) =>
      json(response, 200, { long: "x".repeat(1_200_000), usage: { prompt_tokens: 1 } });
    assert.equal((await send("long")).status, 200);
    const again = await send("long");
    assert.equal(again.status, 409);
    assert.match(again.text, /too long to be kept/);
    assert.equal(upstream.received.length, 1);
  });
});
