/** A hundred thousand customers: lists lose nobody, and whoever asks about one of them waits no longer. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const CUSTOMERS = 100_000;
const BULK = 10_000;
const SAMPLES = 40;

/** A lookup by key takes microseconds more; a scan takes a hundred times as long. Ten leaves room for a busy machine. */
const FLAT_FACTOR = 10;
const METRICS_CHARS_MAX = 1_000_000;

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    purser = await startTestPurser({ database: await database(), upstream: upstream.origin });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  /** Of `info` and of a call, for customers all over the table, in milliseconds. */
  async function medians(customers: number): Promise<Record<"info" | "call", number>> {
    const times = { info: [] as number[], call: [] as number[] };
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const id = idOf(Math.floor((sample * customers) / SAMPLES));
      const begun = performance.now();
      assert.equal((await purser.info(id)).user_id, id);
      const answered = performance.now();
      assert.equal((await purser.chat(id)).status, 200);
      times.info.push(answered - begun);
      times.call.push(performance.now() - answered);
    }
    return { info: median(times.info), call: median(times.call) };
  }

  async function putFrom(first: number, count: number): Promise<void> {
    const customers = Array.from({ length: count }, (_, index) => ({
      user_id: idOf(first + index),
    }));
    const reply = await purser.post("/customer/bulk", { customers });
    assert.equal(reply.status, 200, reply.text.slice(0, 500));
  }

  test("a hundred thousand customers cost one of them nothing, and pages show each once while others come", async () => {
    await putFrom(0, SAMPLES);
    await medians(SAMPLES);
    const few = await medians(SAMPLES);
    for (let first = 0; first < CUSTOMERS; first += BULK) await putFrom(first, BULK);
    const many = await medians(CUSTOMERS);
    for (const what of ["info", "call"] as const) {
      const said = `${what}: ${few[what].toFixed(2)} ms, then ${many[what].toFixed(2)} ms`;
      assert.ok(many[what] < FLAT_FACTOR * few[what], said);
    }

    const seen = new Map<string, number>();
    let page = { next_after: "" as string | null };
    for (let pages = 0; page.next_after !== null; pages += 1) {
      if (pages % 10 === 0) await putFrom(CUSTOMERS + pages * 10, 10);
      const after = page.next_after === "" ? "" : `&after=${page.next_after}`;
      const { body } = await purser.get(`/customer/list?limit=500${after}`);
      for (const { user_id: id } of body.data) seen.set(id, (seen.get(id) ?? 0) + 1);
      page = body;
    }
    assert.ok([...seen.values()].every((times) => times === 1));
    for (let index = 0; index < CUSTOMERS; index += 1)
      assert.ok(seen.has(idOf(index)), idOf(index));

    const metrics = await purser.get("/metrics");
    assert.ok(metrics.text.length < METRICS_CHARS_MAX);
    assert.doesNotMatch(metrics.text, /c-\d/);
  });
});

/** In an order that is not that of their making. */
function idOf(index: number): string {
  return `c-${String((index * 7919) % 1_000_003).padStart(7, "0")}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
