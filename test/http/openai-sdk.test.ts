/** The official OpenAI SDK, pointed at Purser and otherwise unchanged. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI, { APIError } from "openai";
import { onEachDatabase } from "../support/databases.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import {
  delta,
  startStream,
  startUpstream,
  streamed,
  whole,
  type Upstream,
} from "../support/upstream.ts";

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let openai: OpenAI;
  const call = { model: "m", messages: [{ role: "user", content: "hi" }] } as const;

  before(async () => {
    upstream = await startUpstream();
    purser = await startTestPurser({ database: await database(), upstream: upstream.origin });
    openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1` });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  test("an answer in one piece is what the provider sent, with the cost in a header", async () => {
    upstream.answer = whole();
    const request = openai.chat.completions.create({
      ...call,
      messages: [...call.messages],
      user: "sdk",
    });
    const { data, response } = await request.withResponse();
    assert.equal(data.choices[0]?.message.content, "Hello.");
    assert.equal(data.usage?.total_tokens, 40);
    assert.equal(response.headers.get("x-litellm-response-cost"), "0.06");
  });

  test("a stream is read to its end, and the comment before [DONE] is no trouble", async () => {
    upstream.answer = streamed(["Hel", "lo"]);
    const messages = [...call.messages];
    const stream = await openai.chat.completions.create({
      model: "m",
      messages,
      user: "sdk",
      stream: true,
    });
    const pieces: string[] = [];
    for await (const chunk of stream) {
      assert.equal(chunk.usage ?? null, null, "nobody asked for usage");
      pieces.push(chunk.choices[0]?.delta.content ?? "");
    }
    assert.equal(pieces.join(""), "Hello");
    assert.equal((await purser.info("sdk")).spend, 0.12);
  });

  test("a budget that calls in flight hold is asked again, until there is room", async () => {
    let requests = 0;
    const counting = new OpenAI({
      apiKey: MASTER_KEY,
      baseURL: `${purser.base}/v1`,
      fetch: (url, init) => {
        requests += 1;
        return fetch(url, init);
      },
    });
    await purser.post("/customer/new", { user_id: "asks again", max_budget: 0.09 });
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    upstream.answer = async (received, response) => {
      arrived.resolve();
      await release.promise;
      await whole({ prompt_tokens: 1, completion_tokens: 1 })(received, response);
    };
    const first = purser.chat("asks again");
    await arrived.promise;
    const asked = { ...call, messages: [...call.messages], user: "asks again" };
    const second = counting.chat.completions.create(asked);
    await until(() => Promise.resolve(requests >= 2));
    release.resolve();
    assert.equal((await first).status, 200);
    await second;
  });

  test("a stream that was asked for usage brings it", async () => {
    upstream.answer = streamed(["x"]);
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    const stream = await openai.chat.completions.create({
      ...call,
      messages: [...call.messages],
      ...options,
    });
    const usages = [];
    for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage);
    assert.equal(usages[0]?.total_tokens, 40);
  });

  test("a spent budget is one request, not three, and an error with our words", async () => {
    upstream.answer = whole();
    await purser.post("/customer/new", { user_id: "spent", max_budget: 0 });
    const seen: number[] = [];
    const counting = new OpenAI({
      apiKey: MASTER_KEY,
      baseURL: `${purser.base}/v1`,
      fetch: async (...request) => {
        const response = await fetch(...request);
        seen.push(response.status);
        return response;
      },
    });
    const request = counting.chat.completions.create({
      ...call,
      messages: [...call.messages],
      user: "spent",
    });
    await assert.rejects(request, (error) => {
      assert.ok(error instanceof APIError);
      assert.equal(error.type, "budget_exceeded");
      assert.match(error.message, /ExceededBudget: End User=spent over budget/);
      return true;
    });
    assert.deepEqual(seen, [429]);
  });

  test("a stream that breaks off is raised as an error, not taken for an end", async () => {
    upstream.answer = async (_received, response) => {
      startStream(response);
      await new Promise<void>((resolve) => response.write(delta("a"), () => resolve()));
      response.destroy();
    };
    const messages = [...call.messages];
    const stream = await openai.chat.completions.create({ model: "m", messages, stream: true });
    await assert.rejects(async () => {
      for await (const _chunk of stream);
    }, APIError);
  });

  test("the models are listed", async () => {
    const models = await openai.models.list();
    assert.deepEqual(
      models.data.map(({ id }) => id),
      ["m"],
    );
  });
});
