/** Broken calls in every dialect that is streamed: the right charge, by whose count, and no hold left. */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { onEachDatabase } from "../support/databases.ts";
import { sse } from "../support/dialects.ts";
import { postingsOf, type StoredPosting } from "../support/postings.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { STREAMS, type StreamParts } from "../support/streams.ts";
import { until } from "../support/until.ts";
import { startStream, startUpstream, type Upstream } from "../support/upstream.ts";

const ENDLESS_BYTES = 40 * 1024 * 1024;

let upstream: Upstream;
let purser: TestPurser;
let customers = 0;
let customer = "";
let database = "";

onEachDatabase((newDatabase) => {
  before(async () => {
    upstream = await startUpstream();
    database = await newDatabase();
    const at = (name: string, model: string) => ({
      model_name: name,
      litellm_params: { model, api_base: upstream.origin, api_key: "k" },
      model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
    });
    purser = await startTestPurser({
      database,
      upstream: upstream.origin,
      models: [
        at("m", "openai/m"),
        at("claude", "anthropic/claude-sonnet-4-5"),
        at("gemini", "gemini/gemini-2.5-flash"),
      ],
    });
  });
  beforeEach(async () => {
    customers += 1;
    customer = `c${String(customers)}`;
    upstream.received.length = 0;
    await purser.post("/customer/new", { user_id: customer, max_budget: 10 });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  for (const [name, dialect] of Object.entries(STREAMS)) {
    const { begin, word, end, error, tellsInputFirst } = dialect;
    const inputSource = tellsInputFirst ? 20 : null;

    describe(name, () => {
      test("a missing usage block is an estimate, and says so", async () => {
        answer([...begin, word, word, word, ...end(undefined)]);
        assert.match(await send(dialect), /: cost=/);
        assertEstimated(await onlyPosting(), inputSource);
      });

      test("an explicit zero is believed", async () => {
        answer([...begin, word, ...end(0)]);
        await send(dialect);
        const { kind, source, charge } = await onlyPosting();
        assert.deepEqual([kind, source, charge], ["settled", "provider", 0]);
      });

      test("an error before the first word costs nothing", async () => {
        answer([error]);
        assert.match(await send(dialect), /overloaded/);
        const { kind, charge } = await onlyPosting();
        assert.deepEqual([kind, charge], ["released", 0]);
      });

      test("a reset in the middle is told in the client's own dialect, and charged as an estimate", async () => {
        upstream.answer = async (_received, response) => {
          await write(response, [...begin, word, word, word]);
          response.destroy();
        };
        assert.match(await send(dialect), /broke off/);
        const posting = await onlyPosting();
        assert.equal(posting.note, "broke_off");
        assertEstimated(posting, inputSource);
      });

      test("a hang-up after any piece aborts the provider, and charges what was produced", async () => {
        for (const words of [0, 1, 3]) {
          customer = `${customer}+`;
          const sent = [...begin, ...Array.from({ length: words }, () => word)];
          upstream.received.length = 0;
          upstream.answer = (_received, response) => write(response, sent);
          const leaving = new AbortController();
          const response = start(dialect, leaving.signal);
          await until(async () => upstream.received.length === 1);
          if (sent.length > 0) await (await response).body?.getReader().read();
          leaving.abort();
          await response.catch(() => undefined);
          await upstream.received[0]?.closed;
          await until(async () => (await postingsOf(database, customer)).length === 1);
          const posting = await onlyPosting();
          if (words === 0 && name !== "chat") assert.equal(posting.charge, 0);
          else if (words > 0) assert.ok(posting.charge > 0);
        }
      });

      test("a provider that ignores its bound is cut off, and what it produced is charged", async () => {
        upstream.answer = async (_received, response) => {
          await write(response, begin);
          const words = Array.from({ length: 50 }, () => word);
          // A turn of the loop for each, or the end of the connection would never be heard of.
          while (!response.destroyed) {
            await write(response, words);
            await nextTurn();
          }
        };
        assert.match(await send(dialect), /ran past its token limit/);
        const posting = await onlyPosting();
        assert.deepEqual([posting.note, posting.source], ["over_bound", "estimated"]);
        // More than the twenty that were paid for, at two tenths of a cent each.
        assert.ok(posting.charge > 20 * 2_000_000);
      });
    });
  }

  test("usage that is absent after fifty tokens is an estimate of at least as many, and says so", async () => {
    const { begin, word, end, ...chat } = STREAMS["chat"] ?? assert.fail();
    answer([...begin, ...Array.from({ length: 50 }, () => word), ...end(undefined)]);
    await send({ begin, word, end, ...chat, body: { ...chat.body, max_tokens: 100 } });
    const { source, charge } = await onlyPosting();
    assert.equal(source, "estimated");
    const least = 50 * 2_000_000;
    assert.ok(charge >= least && charge <= 2 * least + 60 * 1_000_000, String(charge));
  });

  test("what never ends its first event is passed on in bounded memory, and is no gift", async () => {
    upstream.answer = async (_received, response) => {
      startStream(response);
      const piece = Buffer.alloc(64 * 1024, "x");
      for (let bytes = 0; bytes < ENDLESS_BYTES; bytes += piece.length) {
        if (!response.write(piece)) {
          await new Promise<void>((resolve) => response.once("drain", resolve));
        }
      }
      response.end();
    };
    assert.equal((await send(STREAMS["chat"] ?? assert.fail())).length, ENDLESS_BYTES);
    const { source, charge } = await onlyPosting();
    assert.equal(source, "estimated");
    assert.ok(charge >= 20 * 2_000_000, String(charge));
  });
});

function answer(events: readonly unknown[]): void {
  upstream.answer = async (_received, response) => {
    await write(response, events);
    response.end();
  };
}

/** Resolves when it is on its way: a reset would take back what is still in the buffer. */
function write(response: ServerResponse, events: readonly unknown[]): Promise<void> {
  if (!response.headersSent) startStream(response);
  response.flushHeaders();
  if (events.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    response.write(events.map(sse).join(""), () => resolve());
  });
}

function start({ path, model, body }: StreamParts, signal?: AbortSignal): Promise<Response> {
  return fetch(purser.base + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${MASTER_KEY}`,
      "content-type": "application/json",
      "x-litellm-customer-id": customer,
    },
    body: JSON.stringify({ ...body, model }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function send(dialect: StreamParts): Promise<string> {
  const response = await start(dialect);
  assert.equal(response.status, 200);
  return response.text();
}

async function onlyPosting(): Promise<StoredPosting> {
  await until(async () => (await postingsOf(database, customer)).length > 0);
  const [posting, ...others] = await postingsOf(database, customer);
  assert.equal(others.length, 0);
  assert.ok(posting);
  // Nothing is held: what is left of ten dollars is what was not spent.
  const { spend } = await purser.info(customer);
  assert.equal(Math.round(spend * 1e9), posting.charge);
  return posting;
}

/** Three words are three to five tokens. The input is the provider's count where it told one, else a few. */
function assertEstimated({ source, charge }: StoredPosting, input: number | null): void {
  assert.equal(source, "estimated");
  const output = charge - (input ?? 0) * 1_000_000;
  const most = 20 * 2_000_000 + (input === null ? 60 * 1_000_000 : 0);
  assert.ok(output >= 3 * 2_000_000 && output <= most, String(charge));
}
