/** Streams that are translated, cut, spoilt and endless: the same chunks, one posting each, bounded memory, no hang. */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as fc from "fast-check";
import { onEachDatabase } from "../support/databases.ts";
import { MESSAGE_EVENTS, sse } from "../support/dialects.ts";
import { FOREIGN, foreignModels } from "../support/foreign.ts";
import { postingsOf, type StoredPosting } from "../support/postings.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { Dice, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Script, type Upstream } from "../support/upstream.ts";

const MIB = 1024 * 1024;

/** What all the sockets on the way hold, and far less than an endless answer. */
const ON_THE_WAY_BYTES = 12 * MIB;
const EVENT_BYTES_MAX = 16 * MIB;
const ANSWER_BYTES_MAX = 64 * MIB;

const PIECE = Buffer.alloc(64 * 1024, "y");

const OPTIONS = { stream: true, stream_options: { include_usage: true } };

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let address: string;
  let customers = 0;

  before(async () => {
    upstream = await startUpstream();
    address = await database();
    purser = await startTestPurser({
      database: address,
      upstream: upstream.origin,
      models: foreignModels(upstream.origin),
    });
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  /** The client's bytes, but for what differs from call to call, and what was posted. */
  async function called(model: string, script: Script, options: object = OPTIONS) {
    customers += 1;
    const user = `c${String(customers)}`;
    upstream.answer = script;
    const { status, text } = await purser.chat(user, { model, ...options });
    const posting = await onlyPosting(user);
    return { status, text: text.replaceAll(/"(id|created)":("[^"]*"|\d+)/g, ""), posting };
  }

  async function onlyPosting(user: string): Promise<StoredPosting> {
    await until(async () => (await postingsOf(address, user)).length > 0);
    const [posting, ...others] = await postingsOf(address, user);
    assert.equal(others.length, 0);
    return posting ?? assert.fail();
  }

  for (const [model, { voice }] of Object.entries(FOREIGN)) {
    describe(model, () => {
      const streamed = voice.streamed({ text: "Hello." });
      let bytes: Buffer;
      let type: string;

      before(async () => {
        upstream.answer = streamed;
        const direct = await fetch(upstream.origin, { method: "POST", body: "{}" });
        type = direct.headers.get("content-type") ?? "";
        bytes = Buffer.from(await direct.arrayBuffer());
      });

      test("however it is cut and merged, the chunks and the charge are the same", async (t) => {
        const expected = await called(model, streamed);
        assert.match(expected.text, /Hel.*"cost":0\.06.*\[DONE\]/s);
        assert.deepEqual(
          [expected.posting.source, expected.posting.charge],
          ["provider", 60_000_000],
        );
        await fc.assert(
          fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (points) => {
            const { text, posting } = await called(model, inPieces(type, bytes, points));
            assert.equal(text, expected.text);
            assert.deepEqual([posting.source, posting.charge], ["provider", 60_000_000]);
          }),
          { ...seeded(t), numRuns: 15 },
        );
      });

      test("spoilt or cut short, it ends, with one posting", async (t) => {
        const dice = new Dice(seeded(t).seed);
        for (let runs = 0; runs < 15; runs += 1) {
          const spoilt = Buffer.from(bytes.subarray(0, dice.roll(bytes.length + 1)));
          for (let hits = dice.roll(4); hits > 0 && spoilt.length > 0; hits -= 1) {
            spoilt[dice.roll(spoilt.length)] = dice.roll(256);
          }
          const { kind, charge } = (await called(model, inPieces(type, spoilt, []))).posting;
          assert.ok(kind === "settled" || charge === 0);
        }
      });

      test("nothing but garbage ends, and costs nothing", async (t) => {
        const garbage = fc.uint8Array({ maxLength: 2000 }).map((given) => Buffer.from(given));
        await fc.assert(
          fc.asyncProperty(garbage, async (given) => {
            const { posting } = await called(model, inPieces(type, given, []));
            assert.equal(posting.charge, 0);
          }),
          { ...seeded(t), numRuns: 6 },
        );
      });

      test("an event that never ends is cut off, and is no gift", async () => {
        const written = { pieces: 0 };
        const begin = type.startsWith("text/") ? Buffer.from('data: {"x":"') : ENDLESS_FRAME;
        const { posting } = await called(model, endless(type, begin, PIECE, written));
        assertBytes(written.pieces, EVENT_BYTES_MAX);
        assert.deepEqual([posting.source, posting.note], ["estimated", "too_large"]);
        assert.ok(posting.charge >= 20 * 2_000_000, String(posting.charge));
      });
    });
  }

  test("a stream of good events that never ends is cut off at its bound", async () => {
    const [start, block] = MESSAGE_EVENTS;
    const delta = { type: "text_delta", text: "word " };
    const word = Buffer.from(sse({ type: "content_block_delta", index: 0, delta }).repeat(50));
    await purser.post("/customer/new", { user_id: "bounded", max_budget: 10 });
    upstream.answer = endless("text/event-stream", Buffer.from(sse(start) + sse(block)), word);
    const { text } = await purser.chat("bounded", { model: "anthropic", ...OPTIONS });
    assert.match(text, /ran past its token limit/);
    const posting = await onlyPosting("bounded");
    assert.deepEqual([posting.source, posting.note], ["estimated", "over_bound"]);
  });

  test("an answer in one piece that never ends is cut off, and is no gift", async () => {
    const written = { pieces: 0 };
    const script = endless("application/json", Buffer.from('{"x":"'), PIECE, written);
    const { posting } = await called("anthropic", script, {});
    assertBytes(written.pieces, ANSWER_BYTES_MAX);
    assert.deepEqual([posting.source, posting.note], ["estimated", "too_large"]);
    assert.ok(posting.charge >= 20 * 2_000_000, String(posting.charge));
  });
});

/** More was written than is gathered, and not more than that and what is on the way. */
function assertBytes(pieces: number, most: number): void {
  const bytes = pieces * PIECE.length;
  assert.ok(bytes >= most - PIECE.length && bytes < most + ON_THE_WAY_BYTES, String(bytes));
}

/** Says that it is nearly four gigabytes long. */
const ENDLESS_FRAME = Buffer.from([0xff, 0xff, 0xff, 0xf0]);

function inPieces(type: string, bytes: Buffer, points: readonly number[]): Script {
  return async (_received, response) => {
    response.socket?.setNoDelay(true);
    response.writeHead(200, { "content-type": type });
    const cuts = [0, ...points.toSorted((a, b) => a - b), bytes.length];
    for (const [index, end] of cuts.slice(1).entries()) {
      response.write(bytes.subarray(cuts[index], end));
      await nextTurn();
    }
    response.end();
  };
}

/** `pieces` counts how many of them were written. */
function endless(type: string, begin: Buffer, piece: Buffer, written = { pieces: 0 }): Script {
  return async (_received, response) => {
    response.writeHead(200, { "content-type": type });
    response.write(begin);
    while (!response.destroyed) {
      written.pieces += 1;
      if (!response.write(piece)) await drainedOrClosed(response);
    }
  };
}

function drainedOrClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      response.off("drain", over);
      response.off("close", over);
      resolve();
    };
    response.on("drain", over);
    response.on("close", over);
  });
}
