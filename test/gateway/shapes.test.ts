/** The streams of every dialect, cut, merged, spoilt and endless: bytes unchanged, usage found, memory bounded. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { chat, completion } from "../../src/gateway/dialects/chat.ts";
import type { Dialect, StreamShape } from "../../src/gateway/dialects/dialect.ts";
import { geminiStream } from "../../src/gateway/dialects/gemini.ts";
import { image, speech, transcription } from "../../src/gateway/dialects/media.ts";
import { messages } from "../../src/gateway/dialects/messages.ts";
import { responses } from "../../src/gateway/dialects/responses.ts";
import { StreamMeter } from "../../src/gateway/meter.ts";
import { usageOf } from "../../src/gateway/usage.ts";
import { geminiChunk, MESSAGE_EVENTS, RESPONSE_EVENTS, sse } from "../support/dialects.ts";
import { Dice, seeded } from "../support/seed.ts";

interface Stream {
  readonly dialect: Dialect;
  readonly events: readonly string[];
}

const CHAT_USAGE = { prompt_tokens: 20, completion_tokens: 20, total_tokens: 40 };
const CHAT_EVENTS = [
  sse({
    choices: [{ index: 0, delta: { content: 'a "usage" of [DONE] ünïcode 😀' } }],
    usage: null,
  }),
  sse({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null }),
  sse({ choices: [], usage: CHAT_USAGE }),
  "data: [DONE]\n\n",
];

const STREAMS: Readonly<Record<string, Stream>> = {
  chat: { dialect: chat, events: CHAT_EVENTS },
  completion: { dialect: completion, events: CHAT_EVENTS },
  responses: { dialect: responses, events: RESPONSE_EVENTS.map(sse) },
  messages: { dialect: messages, events: MESSAGE_EVENTS.map(sse) },
  gemini: {
    dialect: geminiStream,
    events: [geminiChunk("Hel"), geminiChunk("lo."), geminiChunk("", { finishReason: "STOP" })].map(
      sse,
    ),
  },
  images: media(
    image,
    { type: "image_generation.partial_image", b64_json: "AAAA", partial_image_index: 0 },
    { type: "image_generation.completed", b64_json: "AAAA" },
  ),
  transcription: media(
    transcription,
    { type: "transcript.text.delta", delta: "Hel" },
    { type: "transcript.text.done", text: "Hello." },
  ),
  speech: media(
    speech,
    { type: "speech.audio.delta", audio: "AAAA" },
    { type: "speech.audio.done" },
  ),
};

function media(dialect: Dialect, first: unknown, last: object): Stream {
  const usage = { input_tokens: 20, output_tokens: 20, total_tokens: 40 };
  return { dialect, events: [first, { ...last, usage }].map(sse) };
}

const COMMENT = ": keep-alive\n\n";

const MIB = 1024 * 1024;

for (const [name, { dialect, events }] of Object.entries(STREAMS)) {
  const shape = dialect.stream ?? assert.fail(`${name} has no stream`);
  const whole = Buffer.from(events.join(""));

  describe(name, () => {
    test("however it is cut and merged, bytes arrive unchanged and usage is found", (t) => {
      const expected = told(dialect, run(shape, [whole]).meter);
      assert.ok(expected !== undefined && Object.keys(expected.usage).length > 0);
      const cuts = fc.array(fc.nat(whole.length), { maxLength: 40 });
      fc.assert(
        fc.property(cuts, (points) => {
          const { bytes, meter } = run(shape, pieces(whole, points));
          assert.deepEqual(bytes, whole);
          assert.deepEqual(told(dialect, meter), expected);
        }),
        seeded(t),
      );
    });

    test("what is passed, found and counted never depends on where a stream is cut", (t) => {
      const anything = fc.oneof(
        fc.constantFrom(...events, ...events.map(withoutEnd), COMMENT, "\n", "\r\n"),
        fc.json().map((data) => `data: ${data}\n\n`),
        fc.string({ unit: "binary" }),
      );
      const cuts = fc.array(fc.nat(10_000), { maxLength: 60 });
      fc.assert(
        fc.property(fc.array(anything), fc.boolean(), cuts, (mixed, crlf, points) => {
          const text = mixed.join("");
          const stream = Buffer.from(crlf ? text.replaceAll("\n", "\r\n") : text);
          const inside = points.map((point) => point % (stream.length + 1));
          assert.deepEqual(outcome(shape, pieces(stream, inside)), outcome(shape, [stream]));
          assert.equal(outcome(shape, [stream]).bytes.length, stream.length);
        }),
        { ...seeded(t), numRuns: 300 },
      );
    });

    test("what has the usage of the whole stays here until the end", () => {
      const meter = new StreamMeter(shape, false);
      const out = meter.push(whole);
      assert.ok(out.length < whole.length);
      const { tail, usage, done } = meter.finish();
      assert.equal(tail.length, 0);
      assert.ok(usage.length > 0);
      assert.deepEqual(Buffer.concat([out, usage, done]), whole);
    });

    test("spoilt bytes pass through unchanged, and never throw", (t) => {
      const dice = new Dice(seeded(t).seed);
      for (let runs = 0; runs < 200; runs += 1) {
        const spoilt = Buffer.from(whole);
        for (let hits = 0; hits < 5; hits += 1) {
          spoilt[dice.roll(spoilt.length)] = dice.roll(256);
        }
        const points = Array.from({ length: 5 }, () => dice.roll(spoilt.length));
        const { bytes, meter } = run(shape, pieces(spoilt, points));
        // A full stop that stood in the middle comes last; nothing is lost and nothing is added.
        assert.equal(bytes.length, spoilt.length);
        told(dialect, meter);
      }
    });

    test("an event that never ends is let go long before it fills the memory", () => {
      const meter = new StreamMeter(shape, false);
      const first = `data: {"usage": {"x": "${"y".repeat(100)}`;
      let held = meter.push(Buffer.from(first)).length * -1 + first.length;
      const megabyte = Buffer.alloc(MIB, "x");
      for (let count = 0; count < 40; count += 1) {
        held += megabyte.length - meter.push(megabyte).length;
        assert.ok(held <= 18 * MIB, `${String(held)} bytes are held`);
      }
    });

    test("an event in very small pieces takes time in line with its length", () => {
      const meter = new StreamMeter(shape, false);
      const piece = Buffer.from(`"usage": null [DONE]\n`.repeat(50));
      const began = performance.now();
      for (let bytes = 0; bytes < 32 * MIB; bytes += piece.length) meter.push(piece);
      // A tenth of a second where each byte is looked at once or twice, more than a minute where all are each time.
      assert.ok(performance.now() - began < 10_000);
      assert.ok(meter.produced.events <= 3);
    });

    test("many events in one piece take time in line with its length", () => {
      const meter = new StreamMeter(shape, false);
      const piece = Buffer.from(events.join("").repeat(10_000));
      const began = performance.now();
      meter.push(piece);
      assert.ok(performance.now() - began < 10_000);
    });

    test("a stream that never ends holds no more than its last event", () => {
      const meter = new StreamMeter(shape, false);
      const middle = Buffer.from(events.slice(0, 2).join(""));
      let held = 0;
      for (let count = 0; count < 2000; count += 1) {
        held += middle.length - meter.push(middle).length;
        assert.ok(held <= middle.length);
      }
    });
  });
}

test("an error before the first word counts as nothing produced", () => {
  const errors: readonly (readonly [Dialect, unknown])[] = [
    [chat, { error: { message: "overloaded" } }],
    [geminiStream, { error: { code: 503, message: "overloaded" } }],
    [messages, { type: "error", error: { type: "overloaded_error", message: "overloaded" } }],
    [responses, { type: "error", code: "server_error", message: "overloaded" }],
  ];
  for (const [dialect, error] of errors) {
    const shape = dialect.stream ?? assert.fail("no stream");
    const { bytes, meter } = run(shape, [Buffer.from(sse(error))]);
    assert.equal(bytes.toString(), sse(error));
    assert.equal(meter.produced.events, 0);
  }
});

test("Gemini's own count tells when a stream has run past its bound", () => {
  const meter = new StreamMeter(geminiStream.stream ?? assert.fail("no stream"), false);
  meter.push(
    Buffer.from(sse({ usageMetadata: { candidatesTokenCount: 900, thoughtsTokenCount: 70 } })),
  );
  assert.equal(meter.length, 970);
});

function run(shape: StreamShape, chunks: readonly Buffer[]) {
  const meter = new StreamMeter(shape, false);
  const out = chunks.map((chunk) => meter.push(chunk));
  const { tail, usage, done } = meter.finish();
  return { bytes: Buffer.concat([...out, tail, usage, done]), usage, meter };
}

/** All that can be seen of a run. */
function outcome(shape: StreamShape, chunks: readonly Buffer[]) {
  const { bytes, usage, meter } = run(shape, chunks);
  const { told: collected, produced, length } = meter;
  return { bytes, usage, collected, produced, length };
}

function withoutEnd(event: string): string {
  return event.trimEnd();
}

function told({ convention }: Dialect, { told: answer }: StreamMeter) {
  if (answer === null) return undefined;
  return usageOf({ convention, provider: "any", answer, request: {} });
}

function pieces(stream: Buffer, points: readonly number[]): Buffer[] {
  const cuts = [0, ...points.toSorted((a, b) => a - b), stream.length];
  return cuts.slice(1).map((end, index) => stream.subarray(cuts[index], end));
}
