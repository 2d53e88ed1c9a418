/** A client that leaves: its provider is stopped at once, or read on for its count; either way the charge is right. */

import assert from "node:assert/strict";
import { request, type ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { onEachDatabase } from "../support/databases.ts";
import { sse } from "../support/dialects.ts";
import { postingsOf, type StoredPosting } from "../support/postings.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { STREAMS } from "../support/streams.ts";
import { until } from "../support/until.ts";
import { ANTHROPIC } from "../support/voices.ts";
import {
  delta,
  startStream,
  startUpstream,
  usageEvent,
  USAGE,
  whole,
  type Upstream,
} from "../support/upstream.ts";

const HI = [{ role: "user", content: "hi" }];
const INPUT = 20 * 1_000_000;
const FULL = 60_000_000;
/** Of 64 KiB: far more than the buffers of all the sockets on the way hold. */
const PIECES = 1000;

onEachDatabase((newDatabase) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let database = "";
  let customers = 0;
  let customer = "";

  before(async () => {
    upstream = await startUpstream();
  });
  beforeEach(() => {
    customers += 1;
    customer = `c${String(customers)}`;
    upstream.received.length = 0;
  });
  after(() => upstream.close());

  const at = (name: string, model: string) => ({
    model_name: name,
    litellm_params: { model, api_base: upstream.origin, api_key: "k" },
    model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
  });

  function serving(general: Record<string, unknown>): void {
    before(async () => {
      database = await newDatabase();
      purser = await startTestPurser({
        database,
        upstream: upstream.origin,
        models: [
          at("m", "openai/m"),
          at("claude", "anthropic/claude-sonnet-4-5"),
          at("gemini", "gemini/gemini-2.5-flash"),
        ],
        general,
        router: { num_retries: 1, retry_after: 0 },
      });
    });
    after(() => purser.stop());
  }

  const headers = () => ({
    authorization: `Bearer ${MASTER_KEY}`,
    "content-type": "application/json",
    "x-litellm-customer-id": customer,
  });

  /** Sends the call, and gives a way to leave it once the provider has been asked and so many words have come. */
  async function leavable(path: string, body: object, words = 0): Promise<() => Promise<void>> {
    const leaving = new AbortController();
    const response = fetch(purser.base + path, {
      method: "POST",
      headers: headers(),
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    const left = hangUps(await metrics());
    response.catch(() => undefined);
    await until(async () => upstream.received.length === 1);
    if (words > 0) await readWords(await response, words);
    return async () => {
      leaving.abort();
      await until(async () => hangUps(await metrics()) > left);
    };
  }

  async function metrics(): Promise<string> {
    return (await fetch(`${purser.base}/metrics`)).text();
  }

  async function onlyPosting(): Promise<StoredPosting> {
    await until(async () => (await postingsOf(database, customer)).length > 0);
    const [posting, ...others] = await postingsOf(database, customer);
    assert.equal(others.length, 0);
    assert.ok(posting);
    const { spend } = await purser.info(customer);
    assert.equal(Math.round(spend * 1e9), posting.charge);
    return posting;
  }

  async function assertDrained(): Promise<void> {
    const { kind, source, note, charge } = await onlyPosting();
    assert.deepEqual([kind, source, note, charge], ["settled", "provider", "client_left", FULL]);
  }

  async function withBudget(): Promise<void> {
    await purser.post("/customer/new", { user_id: customer, max_budget: 10 });
  }

  /** Nothing is held: all of the budget but what was spent is there for a call that needs it. */
  async function assertNothingHeld({ charge }: StoredPosting): Promise<void> {
    upstream.answer = whole({ prompt_tokens: 0, completion_tokens: 0 });
    const { headers } = await purser.chat(customer);
    const left = (10_000_000_000 - charge) / 1e9;
    assert.equal(headers.get("x-purser-budget-remaining"), String(left));
  }

  describe("by default", () => {
    serving({});

    for (const [name, parts] of Object.entries(STREAMS)) {
      test(`${name}: a hang-up in the middle closes the provider within a second, and what was made is estimated`, async () => {
        await withBudget();
        upstream.answer = (_received, response) =>
          write(response, [...parts.begin, parts.word, parts.word, parts.word]);
        const leave = await leavable(parts.path, { ...parts.body, model: parts.model }, 3);
        await closedWithinASecond(leave());
        const posting = await onlyPosting();
        assert.deepEqual(
          [posting.kind, posting.source, posting.note],
          ["settled", "estimated", "client_left"],
        );
        // Three words are three to five tokens; the input is a few, or twenty where its provider told them.
        const { charge } = posting;
        assert.ok(charge >= 3 * 2_000_000 && charge <= 5 * 2_000_000 + INPUT, String(charge));
        await assertNothingHeld(posting);
      });
    }

    test("a hang-up while an answer in one piece is made closes the provider, and its input is charged", async () => {
      await withBudget();
      upstream.answer = () => undefined;
      const leave = await leavable("/v1/chat/completions", { model: "m", messages: HI });
      await closedWithinASecond(leave());
      const posting = await onlyPosting();
      assert.deepEqual([posting.source, posting.note], ["estimated", "client_left"]);
      assert.ok(posting.charge > 0 && posting.charge <= 3 * INPUT, String(posting.charge));
      await assertNothingHeld(posting);
    });

    test("a hang-up before the first byte of a stream costs nothing", async () => {
      await withBudget();
      upstream.answer = () => undefined;
      const leave = await leavable("/v1/chat/completions", {
        model: "m",
        messages: HI,
        stream: true,
      });
      await closedWithinASecond(leave());
      const posting = await onlyPosting();
      assert.deepEqual(
        [posting.kind, posting.charge, posting.note],
        ["released", 0, "client_left"],
      );
      await assertNothingHeld(posting);
    });
  });

  describe("with on_disconnect: drain", () => {
    serving({ on_disconnect: "drain" });

    for (const [name, parts] of Object.entries(STREAMS)) {
      test(`${name}: a hang-up at the third of a hundred pieces is charged by the provider's full count`, async () => {
        const left = Promise.withResolvers<void>();
        upstream.answer = async (_received, response) => {
          await write(response, [...parts.begin, parts.word, parts.word, parts.word]);
          await left.promise;
          for (let words = 3; words < 100; words += 1) await write(response, [parts.word]);
          await write(response, parts.end(20));
          response.end();
        };
        const leave = await leavable(parts.path, { ...parts.body, model: parts.model });
        await leave();
        left.resolve();
        await assertDrained();
      });
    }

    test("an answer in one piece, a translated one and a translated stream are drained, too", async () => {
      const calls: readonly (readonly [model: string, stream: boolean])[] = [
        ["m", false],
        ["claude", false],
        ["claude", true],
      ];
      for (const [model, stream] of calls) {
        customer = `${customer}+`;
        upstream.received.length = 0;
        const left = Promise.withResolvers<void>();
        const said = ANTHROPIC[stream ? "streamed" : "whole"]({ text: "Hello." });
        const script = model === "m" ? whole() : said;
        upstream.answer = async (received, response) => {
          await left.promise;
          await script(received, response);
        };
        const body = { model, messages: HI, max_tokens: 20, stream };
        const leave = await leavable("/v1/chat/completions", body);
        await leave();
        left.resolve();
        await assertDrained();
      }
    });

    test("a stream that its client did not read is read on once the client has left", async () => {
      let written = 0;
      upstream.answer = async (_received, response) => {
        startStream(response);
        const piece = delta("x".repeat(64 * 1024));
        for (; written < PIECES; written += 1) {
          if (response.write(piece)) continue;
          await new Promise<void>((resolve) => response.once("drain", resolve));
        }
        response.end(`${usageEvent(USAGE)}data: [DONE]\n\n`);
      };
      const body = { model: "m", messages: HI, max_tokens: 20, stream: true };
      const path = `${purser.base}/v1/chat/completions`;
      const client = request(path, { method: "POST", headers: headers() });
      client.on("response", () => undefined);
      client.on("error", () => undefined);
      client.end(JSON.stringify(body));
      await until(async () => written > 0 && (await standsStill(() => written)));
      assert.ok(written < PIECES, "the provider is read no faster than the client reads");
      client.destroy();
      await assertDrained();
    });

    test("a provider that fails a client who has left is not asked again", async () => {
      const left = Promise.withResolvers<void>();
      upstream.answer = async (received, response) => {
        await left.promise;
        await whole(undefined, 500)(received, response);
      };
      const leave = await leavable("/v1/chat/completions", { model: "m", messages: HI });
      await leave();
      left.resolve();
      const { kind, charge } = await onlyPosting();
      assert.deepEqual([kind, charge], ["released", 0]);
      assert.equal(upstream.received.length, 1);
    });

    test("a drained stream that runs past its bound is cut", async () => {
      await withBudget();
      const parts = STREAMS["chat"] ?? assert.fail();
      const left = Promise.withResolvers<void>();
      upstream.answer = async (_received, response) => {
        await write(response, parts.begin);
        await left.promise;
        // A turn of the loop for each, or the end of the connection would never be heard of.
        for (; !response.destroyed; await nextTurn()) await write(response, [parts.word]);
      };
      const leave = await leavable(parts.path, { ...parts.body, model: parts.model });
      await leave();
      left.resolve();
      await upstream.received[0]?.closed;
      const posting = await onlyPosting();
      assert.deepEqual([posting.source, posting.note], ["estimated", "over_bound"]);
    });
  });

  describe("with a drain_timeout", () => {
    serving({ on_disconnect: "drain", drain_timeout: 0.2 });

    test("who does not end within it is closed, and charged for what was made", async () => {
      const parts = STREAMS["chat"] ?? assert.fail();
      upstream.answer = (_received, response) =>
        write(response, [...parts.begin, parts.word, parts.word, parts.word]);
      const leave = await leavable(parts.path, { ...parts.body, model: parts.model });
      await closedWithinASecond(leave());
      const posting = await onlyPosting();
      assert.deepEqual([posting.source, posting.note], ["estimated", "client_left"]);
      assert.ok(posting.charge >= 3 * 2_000_000);
    });
  });

  async function closedWithinASecond(leaving: Promise<void>): Promise<void> {
    const began = performance.now();
    await leaving;
    await upstream.received[0]?.closed;
    assert.ok(performance.now() - began < 1000);
  }
});

function hangUps(metrics: string): number {
  const lines = metrics
    .split("\n")
    .filter((line) => /^purser_calls_total\{.*status="499"/.test(line));
  return lines.reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
}

/** Through as many turns of the event loop as would have made many pieces more. */
async function standsStill(count: () => number): Promise<boolean> {
  const before = count();
  for (let turn = 0; turn < 2000; turn += 1) await nextTurn();
  return count() === before;
}

async function readWords(response: Response, words: number): Promise<void> {
  const reader = response.body?.getReader() ?? assert.fail();
  let text = "";
  while (text.split("word ").length <= words) text += decoder.decode((await reader.read()).value);
}

const decoder = new TextDecoder();

function write(response: ServerResponse, events: readonly unknown[]): Promise<void> {
  if (!response.headersSent) startStream(response);
  response.flushHeaders();
  return new Promise((resolve) => {
    response.write(events.map(sse).join(""), () => resolve());
  });
}
