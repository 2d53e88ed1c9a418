/** Providers that fail and clients that leave: a clear error, the right charge, and no hold left. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
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

const HEADERS_TIMEOUT_S = 0.5;
const CHAT = "/v1/chat/completions";

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let customers = 0;
  let customer = "";

  before(async () => {
    upstream = await startUpstream();
    purser = await startTestPurser({
      database: await database(),
      upstream: upstream.origin,
      models: [
        pricedModel("m", upstream.origin),
        pricedModel("away", "http://127.0.0.1:9"),
        { model_name: "unpriced", litellm_params: litellmParams(upstream) },
        pricedModel("free", upstream.origin, { input_cost_per_token: 0, output_cost_per_token: 0 }),
      ],
      general: {
        headers_timeout: HEADERS_TIMEOUT_S,
        idle_timeout: HEADERS_TIMEOUT_S,
        call_timeout: 3,
      },
    });
  });
  beforeEach(async () => {
    customers += 1;
    customer = `c${String(customers)}`;
    upstream.received.length = 0;
    upstream.answer = whole();
    await purser.post("/customer/new", { user_id: customer, max_budget: 1 });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  /** Nothing is held: what is left is the budget less the spend. */
  async function assertSpent(spend: number): Promise<void> {
    await until(async () => (await purser.info(customer)).spend === spend);
    upstream.answer = whole({ prompt_tokens: 0, completion_tokens: 0 });
    const { headers } = await purser.chat(customer);
    assert.equal(Number(headers.get("x-purser-budget-remaining")), Number((1 - spend).toFixed(9)));
  }

  test("a provider's 4xx passes through with its body, and costs nothing", async () => {
    const body = { error: { message: "too hot", type: "x", param: "temperature", code: "y" } };
    upstream.answer = (_received, response) => json(response, 418, body);
    const reply = await purser.chat(customer);
    assert.equal(reply.status, 418);
    assert.deepEqual(reply.body, body);
    await assertSpent(0);
  });

  test("a provider's 429 keeps its Retry-After", async () => {
    upstream.answer = (_received, response) => {
      response.setHeader("retry-after", "7");
      json(response, 429, { error: {} });
    };
    const reply = await purser.chat(customer);
    assert.deepEqual([reply.status, reply.headers.get("retry-after")], [429, "7"]);
  });

  test("a provider that repeats its key in an error does not give it away", async () => {
    upstream.answer = ({ headers }, response) =>
      json(response, 401, { error: { message: `bad key ${String(headers.authorization)}` } });
    const { status, text } = await purser.chat(customer);
    assert.equal(status, 401);
    assert.doesNotMatch(text, /sk-upstream/);
  });

  test("a provider's 5xx is a clear error, and costs nothing", async () => {
    upstream.answer = whole(undefined, 503);
    const reply = await purser.chat(customer);
    assert.equal(reply.status, 502);
    assert.equal(reply.body.error.type, "upstream_error");
    await assertSpent(0);
  });

  test("a provider that refuses the connection is a clear error, and costs nothing", async () => {
    const reply = await purser.chat(customer, { model: "away" });
    assert.equal(reply.status, 502);
    assert.match(reply.body.error.message, /could not be reached/);
    await assertSpent(0);
  });

  test("a provider that resets before its headers is a clear error, and costs nothing", async () => {
    upstream.answer = (_received, response) => {
      response.destroy();
    };
    assert.equal((await purser.chat(customer)).status, 502);
    await assertSpent(0);
  });

  test("a provider that hangs is a timeout, and costs nothing", async () => {
    upstream.answer = () => undefined;
    const reply = await purser.chat(customer);
    assert.equal(reply.status, 504);
    assert.equal(reply.body.error.type, "upstream_timeout");
    await assertSpent(0);
  });

  test("a stream that breaks off says so in the stream and is charged for what it produced", async () => {
    upstream.answer = async (_received, response) => {
      startStream(response);
      for (const piece of ["a", "b", "c"]) response.write(delta(piece));
      await new Promise<void>((resolve) => response.write("data: {", () => resolve()));
      response.destroy();
    };
    const { status, text } = await purser.chat(customer, { stream: true });
    assert.equal(status, 200);
    assert.match(text, /"upstream_error"/);
    assert.doesNotMatch(text, /\[DONE\]/);
    // The greeting is 17 tokens by the tokenizer, and three events less the role's are at least two tokens.
    await assertSpent(0.021);
  });

  test("a stream that stalls is cut, and charged for what it produced", async () => {
    upstream.answer = (_received, response) => {
      startStream(response);
      for (const piece of ["a", "b", "c"]) response.write(delta(piece));
    };
    const { text } = await purser.chat(customer, { stream: true });
    assert.match(text, /"upstream_timeout"/);
    await assertSpent(0.021);
  });

  test("a stream that breaks before its first event costs nothing", async () => {
    upstream.answer = (_received, response) => {
      startStream(response);
      response.flushHeaders();
      response.destroy();
    };
    const reply = await purser.chat(customer, { stream: true }).catch(() => null);
    assert.ok(reply === null || /upstream_error/.test(reply.text));
    await assertSpent(0);
  });

  test("a client that leaves a stream ends the provider's work and pays for what was produced", async () => {
    upstream.answer = (_received, response) => {
      startStream(response);
      for (const piece of ["a", "b", "c"]) response.write(delta(piece));
    };
    const leaving = new AbortController();
    const response = await startCall({ stream: true }, leaving.signal);
    await response.body?.getReader().read();
    leaving.abort();
    await upstream.received[0]?.closed;
    await assertSpent(0.021);
  });

  test("a client that leaves before an answer in one piece pays for its input", async () => {
    upstream.answer = () => undefined;
    const leaving = new AbortController();
    const response = startCall({}, leaving.signal);
    await until(async () => upstream.received.length === 1);
    leaving.abort();
    await assert.rejects(response);
    await upstream.received[0]?.closed;
    await assertSpent(0.017);
  });

  test("a missing usage block is estimated, never free", async () => {
    upstream.answer = whole(null);
    assert.equal((await purser.chat(customer)).status, 200);
    assert.ok((await purser.info(customer)).spend > 0.017);
    upstream.answer = streamed(["a", "b", "c"], undefined);
    const before = (await purser.info(customer)).spend;
    await purser.chat(customer, { stream: true });
    assert.ok((await purser.info(customer)).spend >= before + 0.021);
  });

  test("an estimate never passes the ceiling, however much surrounds the answer", async () => {
    upstream.answer = (_received, response) =>
      json(response, 200, { choices: [{ message: { content: "Hello." } }], pad: "x".repeat(5000) });
    const { headers } = await purser.chat(customer);
    assert.ok(Number(headers.get("x-litellm-response-cost")) <= 0.017 + 20 * 0.002);
  });

  test("an empty answer costs nothing", async () => {
    upstream.answer = (_received, response) => {
      response.writeHead(204).end();
    };
    assert.equal((await purser.chat(customer)).status, 204);
    await assertSpent(0);
  });

  test("an explicit zero is believed", async () => {
    upstream.answer = whole({ prompt_tokens: 0, completion_tokens: 0 });
    assert.equal((await purser.chat(customer)).status, 200);
    await assertSpent(0);
  });

  test("a provider that ignores the bound and never ends is cut", async () => {
    upstream.answer = (received, response) => {
      startStream(response);
      const more = setInterval(() => response.write(delta("x").repeat(50)), 1);
      void received.closed.then(() => clearInterval(more));
    };
    const { text } = await purser.chat(customer, { stream: true });
    assert.match(text, /ran past its token limit/);
    const { spend } = await purser.info(customer);
    assert.ok(spend > 0.18 && spend < 0.6, String(spend));
  });

  test("a model without a price is refused where money is limited, and served where it is not", async () => {
    const limited = await purser.chat(customer, { model: "unpriced" });
    assert.equal(limited.status, 400);
    assert.equal(limited.body.error.type, "unpriced_model");
    assert.equal(upstream.received.length, 0);
    const open = await purser.chat(`${customer}-free`, { model: "unpriced" });
    assert.equal(open.status, 200);
    assert.equal(open.headers.get("x-litellm-response-cost"), null, "no price is not a price of 0");
    assert.equal((await purser.info(`${customer}-free`)).spend, 0);
  });

  test("a model that costs nothing is served even when the budget is spent", async () => {
    await purser.post("/customer/new", { user_id: `${customer}-spent`, max_budget: 0 });
    assert.equal((await purser.chat(`${customer}-spent`)).status, 429);
    assert.equal((await purser.chat(`${customer}-spent`, { model: "free" })).status, 200);
  });

  test("a slow reader slows the provider down instead of filling the memory", async () => {
    const CHUNK = delta("x".repeat(100_000));
    let written = 0;
    upstream.answer = (received, response) => {
      startStream(response);
      const fill = () => {
        while (written < 100 && response.write(CHUNK)) written += 1;
      };
      response.on("drain", fill);
      fill();
      void received.closed.then(() => response.off("drain", fill));
    };
    const leaving = new AbortController();
    const response = await startCall({ stream: true, max_tokens: 1000 }, leaving.signal);
    await response.body?.getReader().read();
    const settled = written;
    assert.ok(settled < 100, `the provider could write ${String(settled)} of 100 pieces`);
    leaving.abort();
    await upstream.received[0]?.closed;
  });

  function startCall(more: object, signal: AbortSignal): Promise<Response> {
    const messages = [{ role: "user", content: "hi" }];
    return fetch(purser.base + CHAT, {
      method: "POST",
      headers: { authorization: "Bearer sk-1234", "content-type": "application/json" },
      body: JSON.stringify({ model: "m", user: customer, max_tokens: 20, messages, ...more }),
      signal,
    });
  }
});

function litellmParams(upstream: Upstream): object {
  return { model: "openai/my-own-finetune-x1", api_base: `${upstream.origin}/v1`, api_key: "k" };
}
