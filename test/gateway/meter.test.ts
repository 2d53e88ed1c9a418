/** The stream meter: bytes pass through unchanged but for what it is there to keep, wherever the stream is cut. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { chat } from "../../src/gateway/dialects/chat.ts";
import { StreamMeter } from "../../src/gateway/meter.ts";

const ROLE = sse({ choices: [{ delta: { role: "assistant", content: "" } }], usage: null });
const HELLO = sse({
  choices: [{ delta: { content: 'Hel "usage" lo [DONE] ünïcode 😀' } }],
  usage: null,
});
const STOP = sse({ choices: [{ delta: {}, finish_reason: "stop" }], usage: null });
const USAGE = sse({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } });
const DONE = "data: [DONE]\n\n";
const OPENAI = ROLE + HELLO + STOP + USAGE + DONE;

test("a usage chunk that we asked for is kept from the client, wherever the stream is cut", () => {
  for (const ending of ["lf", "crlf"] as const) {
    const stream = withEnding(OPENAI, ending);
    const expected = withEnding(ROLE + HELLO + STOP + DONE, ending);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const run = metered([stream.subarray(0, cut), stream.subarray(cut)], true);
      assert.deepEqual(run.bytes, expected, `${ending} cut at ${String(cut)}`);
      assert.deepEqual(run.told?.["usage"], { prompt_tokens: 7, completion_tokens: 3 });
    }
  }
});

test("a stream whose client asked for usage arrives byte for byte, however it is cut", () => {
  const stream = Buffer.from(OPENAI);
  const cuts = fc.array(fc.nat(stream.length), { maxLength: 20 });
  fc.assert(
    fc.property(cuts, (points) => {
      const run = metered(pieces(stream, points), false);
      assert.deepEqual(run.bytes, stream);
      assert.deepEqual(run.told?.["usage"], { prompt_tokens: 7, completion_tokens: 3 });
    }),
  );
});

test("usage in the last content event is read and the event still reaches the client", () => {
  const last = sse({
    choices: [{ delta: {}, finish_reason: "stop" }],
    usage: { prompt_tokens: 1 },
  });
  const run = metered([Buffer.from(ROLE + last + DONE)], true);
  assert.equal(run.bytes.toString(), ROLE + last + DONE);
  assert.deepEqual(run.told?.["usage"], { prompt_tokens: 1 });
});

test("a provider that repeats its usage in every event is streamed, not held back", () => {
  const running = [1, 2, 3].map((tokens) =>
    sse({ choices: [{ delta: { content: "x" } }], usage: { completion_tokens: tokens } }),
  );
  const meter = chatMeter(true);
  const out = running.map((event) => meter.push(Buffer.from(event)).toString());
  assert.deepEqual(out, ["", running[0], running[1]]);
  assert.deepEqual(meter.told?.["usage"], { completion_tokens: 3 });
  assert.equal(meter.finish().usage.toString(), running[2]);
});

test("events leave as soon as they are whole, before the stream has ended", () => {
  const meter = chatMeter(true);
  assert.equal(meter.push(Buffer.from(ROLE)).toString(), ROLE);
  assert.equal(meter.push(Buffer.from(HELLO.slice(0, 10))).toString(), "");
  assert.equal(meter.push(Buffer.from(HELLO.slice(10))).toString(), HELLO);
});

test("[DONE] is held back until the end, and so is a usage event", () => {
  const meter = chatMeter(false);
  assert.equal(meter.push(Buffer.from(ROLE + USAGE + DONE)).toString(), ROLE);
  const { tail, usage, done } = meter.finish();
  assert.deepEqual([tail, usage, done].map(String), ["", USAGE, DONE]);
});

test("a last event without its blank line is still read", () => {
  const run = metered([Buffer.from(ROLE + USAGE.trimEnd())], true);
  assert.deepEqual(run.told?.["usage"], { prompt_tokens: 7, completion_tokens: 3 });
});

test("what ends a stream, fails it or tells its usage is nothing that it produced", () => {
  const words = [ROLE, HELLO, STOP];
  const failed = sse({ error: { message: "no" } });
  assert.deepEqual(produced([...words, USAGE, DONE]), produced(words));
  assert.deepEqual(produced([...words, failed, DONE]), produced(words));
  assert.equal(produced([DONE]).events, 0);
});

test("an error that tells its usage is heard", () => {
  const meter = chatMeter(false);
  const usage = { prompt_tokens: 7, completion_tokens: 3 };
  meter.push(Buffer.from(sse({ error: { message: "no" }, choices: [], usage })));
  assert.deepEqual(meter.told?.["usage"], usage);
});

test("comments are not counted as tokens", () => {
  const meter = chatMeter(false);
  meter.push(Buffer.from(`: keep-alive\n\n${ROLE}: keep-alive\n\n${HELLO}`));
  assert.equal(meter.produced.events, 2);
  assert.equal(meter.produced.eventBytesMin, Buffer.byteLength(ROLE));
});

test("garbage passes through unchanged and in bounded memory", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
      const buffers = chunks.map((chunk) => Buffer.from(chunk));
      assert.deepEqual(metered(buffers, false).bytes, Buffer.concat(buffers));
    }),
  );
  const meter = chatMeter(false);
  const megabyte = Buffer.alloc(1024 * 1024, "x");
  const released = Array.from({ length: 40 }, () => meter.push(megabyte).length);
  assert.ok(released.reduce((total, bytes) => total + bytes, 0) >= 24 * megabyte.length);
});

function chatMeter(keepsUsage: boolean): StreamMeter {
  const { stream } = chat;
  assert.ok(stream !== null);
  return new StreamMeter(stream, keepsUsage);
}

function metered(chunks: readonly Buffer[], keepsUsage: boolean) {
  const meter = chatMeter(keepsUsage);
  const out = chunks.map((chunk) => meter.push(chunk));
  const { tail, usage, done } = meter.finish();
  return { bytes: Buffer.concat([...out, tail, usage, done]), told: meter.told };
}

function pieces(stream: Buffer, points: readonly number[]): Buffer[] {
  const cuts = [0, ...points.toSorted((a, b) => a - b), stream.length];
  return cuts.slice(1).map((end, index) => stream.subarray(cuts[index], end));
}

function sse(data: unknown): string {
  return `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", ...(data as object) })}\n\n`;
}

const LINE_ENDINGS = { lf: "\n", crlf: "\r\n" } as const;

function withEnding(text: string, ending: keyof typeof LINE_ENDINGS): Buffer {
  return Buffer.from(text.replaceAll("\n", LINE_ENDINGS[ending]));
}

function produced(events: readonly string[]) {
  const meter = chatMeter(false);
  for (const event of events) meter.push(Buffer.from(event));
  meter.finish();
  return meter.produced;
}
