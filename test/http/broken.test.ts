/** Broken calls in every dialect that is streamed: the right charge, by whose count, and no hold left. */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { sqliteFile } from "../support/databases.ts";
import { MESSAGE_START, RESPONSE, sse } from "../support/dialects.ts";
import { postingsOf, type StoredPosting } from "../support/postings.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import { startStream, startUpstream, type Upstream } from "../support/upstream.ts";

interface Dialect {
  readonly path: string;
  readonly model: string;
  readonly body: object;
  /** What comes before the first word. */
  readonly begin: readonly unknown[];
  readonly word: unknown;
  /** What comes last, with the usage that is told; with `undefined`, without any. */
  readonly end: (tokens: number | undefined) => readonly unknown[];
  readonly error: unknown;
  /** Of what is charged after three words and no usage, what does the provider's own count of the input make? */
  readonly tellsInputFirst: boolean;
}

const HI = [{ role: "user", content: "hi" }];
const BLOCK = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };

function chatChunk(choice: object): unknown {
  return {
    id: "1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, ...choice }],
    usage: null,
  };
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  chat: {
    path: "/v1/chat/completions",
    model: "m",
    body: { messages: HI, max_tokens: 20, stream: true },
    begin: [chatChunk({ delta: { role: "assistant", content: "" }, finish_reason: null })],
    word: chatChunk({ delta: { content: "word " }, finish_reason: null }),
    end: (tokens) => [
      chatChunk({ delta: {}, finish_reason: "stop" }),
      ...(tokens === undefined
        ? []
        : [{ choices: [], usage: { prompt_tokens: tokens, completion_tokens: tokens } }]),
    ],
    error: { error: { message: "overloaded", type: "server_error" } },
    tellsInputFirst: false,
  },
  responses: {
    path: "/v1/responses",
    model: "m",
    body: { input: "hi", max_output_tokens: 20, stream: true },
    begin: [{ type: "response.created", response: { ...RESPONSE, output: [], usage: null } }],
    word: { type: "response.output_text.delta", item_id: "msg_1", delta: "word " },
    end: (tokens) => {
      const usage = tokens === undefined ? null : { input_tokens: tokens, output_tokens: tokens };
      return [{ type: "response.completed", response: { ...RESPONSE, usage } }];
    },
    error: { type: "error", code: "server_error", message: "overloaded" },
    tellsInputFirst: false,
  },
  messages: {
    path: "/v1/messages",
    model: "claude",
    body: { messages: HI, max_tokens: 20, stream: true },
    begin: [MESSAGE_START, BLOCK],
    word: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "word " } },
    end: (tokens) => {
      const delta = { stop_reason: "end_turn" };
      const usage = { input_tokens: tokens, output_tokens: tokens };
      const last = { type: "message_delta", delta, ...(tokens === undefined ? {} : { usage }) };
      return [last, { type: "message_stop" }];
    },
    error: { type: "error", error: { type: "overloaded_error", message: "overloaded" } },
    tellsInputFirst: true,
  },
  gemini: {
    path: "/v1beta/models/gemini:streamGenerateContent?alt=sse",
    model: "gemini",
    body: {
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      generationConfig: { maxOutputTokens: 20 },
    },
    begin: [],
    word: { candidates: [{ content: { role: "model", parts: [{ text: "word " }] }, index: 0 }] },
    end: (tokens) => [
      {
        candidates: [{ finishReason: "STOP", index: 0 }],
        ...(tokens === undefined
          ? {}
          : { usageMetadata: { promptTokenCount: tokens, candidatesTokenCount: tokens } }),
      },
    ],
    error: { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } },
    tellsInputFirst: false,
  },
};

let upstream: Upstream;
let purser: TestPurser;
let customers = 0;
let customer = "";
const database = sqliteFile();

before(async () => {
  upstream = await startUpstream();
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

for (const [name, dialect] of Object.entries(DIALECTS)) {
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

function start({ path, model, body }: Dialect, signal?: AbortSignal): Promise<Response> {
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

async function send(dialect: Dialect): Promise<string> {
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
