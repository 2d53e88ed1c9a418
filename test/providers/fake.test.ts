/** The fake provider over real sockets, marker by marker. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import OpenAI from "openai";
import type { JsonObject } from "../../src/platform/json.ts";
import { startFakeProvider, type FakeProvider } from "../../src/providers/fake.ts";

interface Chat {
  readonly choices: readonly Choice[];
  readonly usage?: JsonObject | null;
}

interface Choice {
  readonly index: number;
  readonly message?: { readonly content: string };
  readonly delta?: { readonly role?: string; readonly content?: string };
  readonly finish_reason: string | null;
}

const ASK_USAGE = { stream_options: { include_usage: true } };

let fake: FakeProvider;
before(async () => {
  fake = await startFakeProvider();
});
after(() => fake.close());

test("an answer repeats the prompt, a word a token", async () => {
  const { choices, usage } = await chat("three small words");
  assert.equal(choices[0]?.message?.content, "You said: three small words");
  assert.equal(choices[0]?.finish_reason, "stop");
  assert.deepEqual(usage, { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 });
});

test("the same call gets the same bytes", async () => {
  const bodies = await Promise.all([1, 2, 3].map(async () => (await post("hi")).text()));
  assert.equal(new Set(bodies).size, 1);
});

test("the last user message is answered, in whichever form, and all messages are counted", async () => {
  const messages = [
    { role: "user", content: "[[words 9]] first" },
    { role: "assistant", content: "hm" },
    { role: "user", content: [{ type: "text", text: "second" }, { type: "image_url" }] },
    { role: "assistant", content: null },
  ];
  const { choices, usage } = await chat("", { messages });
  assert.equal(choices[0]?.message?.content, "You said: second");
  assert.equal(usage?.["prompt_tokens"], 5);
});

test("an answer stops at the client's bound, by either name", async () => {
  for (const field of ["max_tokens", "max_completion_tokens"]) {
    const { choices, usage } = await chat("one two three four", { [field]: 3 });
    assert.equal(choices[0]?.message?.content, "You said: one");
    assert.equal(choices[0]?.finish_reason, "length");
    assert.equal(usage?.["completion_tokens"], 3);
  }
});

test("an answer has n choices and bills each", async () => {
  const { choices, usage } = await chat("hi", { n: 3 });
  assert.deepEqual(
    choices.map(({ index }) => index),
    [0, 1, 2],
  );
  assert.equal(usage?.["completion_tokens"], 9);
});

test("an answer is bounded, whatever is asked", async () => {
  const { usage } = await chat("[[words 999999999]]", { n: 999 });
  assert.ok(Number(usage?.["completion_tokens"]) <= 20_000);
});

test("a character that two pieces share arrives whole", async () => {
  for (const padding of ["", "a", "aa", "aaa"]) {
    const { choices } = await chat(`${padding}${"🦆".repeat(99)}`);
    assert.ok(choices[0]?.message?.content.endsWith("🦆".repeat(99)));
  }
});

test("a stream is a role, the words, the reason and the end", async () => {
  const chunks = await streamed("a b");
  const [role, ...rest] = chunks.map(({ choices }) => choices[0]);
  assert.deepEqual(role?.delta, { role: "assistant", content: "" });
  assert.deepEqual(
    rest.slice(0, -1).map((choice) => choice?.delta?.content),
    ["You", " said:", " a", " b"],
  );
  assert.deepEqual(rest.at(-1)?.delta, {});
  assert.equal(rest.at(-1)?.finish_reason, "stop");
});

test("a stream reports its usage last, and only if asked", async () => {
  const chunks = await streamed("a b", ASK_USAGE);
  const last = chunks.at(-1);
  assert.deepEqual(last?.choices, []);
  assert.deepEqual(last?.usage, { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 });
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null));
  assert.ok((await streamed("a b")).every((chunk) => !("usage" in chunk)));
});

test("a stream carries every choice to its own reason", async () => {
  const chunks = await streamed("a", { n: 2, max_tokens: 1 });
  const cut = chunks.flatMap(({ choices }) =>
    choices.filter((choice) => choice.finish_reason === "length"),
  );
  assert.deepEqual(
    cut.map(({ index }) => index),
    [0, 1],
  );
});

test("OpenAI's own client understands it", async () => {
  const client = new OpenAI({ apiKey: "none", baseURL: `${fake.origin}/v1` });
  const stream = await client.chat.completions.create({
    model: "m",
    messages: [{ role: "user", content: "hello there" }],
    stream: true,
    ...ASK_USAGE,
  });
  let text = "";
  let tokens = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    tokens = chunk.usage?.total_tokens ?? tokens;
  }
  assert.equal(text, "You said: hello there");
  assert.equal(tokens, 6);
  assert.equal((await client.models.list()).data[0]?.id, "fake");
});

test("[[words]] sets the length", async () => {
  const { usage } = await chat("[[words 500]] hi");
  assert.equal(usage?.["completion_tokens"], 500);
});

test("[[usage]] sets what is reported", async () => {
  const { usage } = await chat("[[usage 20 30]] hi");
  assert.deepEqual(usage, { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50 });
});

test("[[no usage]] reports none, streamed or not", async () => {
  assert.equal("usage" in (await chat("[[no usage]] hi")), false);
  const chunks = await streamed("[[no usage]] hi", ASK_USAGE);
  assert.ok(chunks.every(({ choices, usage }) => choices.length === 1 && usage === null));
});

test("[[ignore max_tokens]] answers and bills beyond the bound", async () => {
  const { choices, usage } = await chat("[[ignore max_tokens]] [[words 9]]", { max_tokens: 2 });
  assert.equal(usage?.["completion_tokens"], 9);
  assert.equal(choices[0]?.finish_reason, "stop");
});

test("[[status]] is an error in OpenAI's form, streamed or not", async () => {
  for (const [status, type] of Object.entries({
    400: "invalid_request_error",
    429: "requests",
    503: "server_error",
  })) {
    for (const stream of [true, false]) {
      const response = await post(`[[status ${status}]]`, { stream });
      const { error } = (await response.json()) as { error: JsonObject };
      assert.equal(response.status, Number(status));
      assert.equal(error["type"], type);
      assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
    }
  }
});

test("[[delay]] holds the headers back", async () => {
  const start = performance.now();
  await post("[[delay 30]]");
  assert.ok(performance.now() - start >= 29);
});

test("[[pace]] holds the pieces apart", async () => {
  const start = performance.now();
  await streamed("[[pace 10]] [[words 4]]");
  assert.ok(performance.now() - start >= 50);
});

test("[[reset]] breaks the connection before the headers, or in the middle of the answer", async () => {
  await assert.rejects(post("[[reset]]"));
  const stream = await post("[[reset 3]]", { stream: true });
  assert.equal(eventsIn(await brokenText(stream)).length, 3);
  const plain = await post("[[reset 1]]");
  const half = await brokenText(plain);
  assert.equal(half.length, Math.floor(Number(plain.headers.get("content-length")) / 2));
});

test("[[hang]] never answers, or stalls in the middle of the answer", async () => {
  const leave = new AbortController();
  const unanswered = post("[[hang]]", {}, leave.signal);
  const stalled = await post("[[hang 3]]", { stream: true }, leave.signal);
  const events = await readEvents(stalled, 3);
  assert.equal(await Promise.race([unanswered, events.more, wait(30, "silence")]), "silence");
  leave.abort();
  await assert.rejects(unanswered, { name: "AbortError" });
  await assert.rejects(events.more, { name: "AbortError" });
});

test("a marker that is not known is part of the text", async () => {
  const { choices } = await chat("[[dance]] [[constructor]]");
  assert.equal(choices[0]?.message?.content, "You said: [[dance]] [[constructor]]");
});

test("what is no prompt is refused in OpenAI's form", async () => {
  const elsewhere = await fetch(`${fake.origin}/v1/moderations`, { method: "POST", body: "{}" });
  assert.equal(elsewhere.status, 404);
  for (const path of ["chat/completions", "completions", "responses", "embeddings"]) {
    for (const body of ["", "nonsense", "[]", "{}", '{"messages":1,"prompt":1,"input":1}']) {
      const response = await fetch(`${fake.origin}/v1/${path}`, { method: "POST", body });
      assert.equal(response.status, 400, `${path} ${body}`);
      assert.ok("error" in ((await response.json()) as object));
    }
  }
});

test("closing ends every call at once, whatever it waits for", async () => {
  const other = await startFakeProvider();
  const calls = ["[[hang]]", "[[delay 60000]]", "[[pace 60000]]"].map(async (content) => {
    const body = JSON.stringify({ stream: true, messages: [{ role: "user", content }] });
    const response = await fetch(`${other.origin}/chat/completions`, { method: "POST", body });
    return response.text();
  });
  const outcomes = Promise.allSettled(calls);
  await fetch(`${other.origin}/models`);
  await other.close();
  assert.ok((await outcomes).every(({ status }) => status === "rejected"));
  await assert.rejects(fetch(`${other.origin}/models`));
});

function post(prompt: string, more: object = {}, signal: AbortSignal | null = null) {
  const body = { model: "m", messages: [{ role: "user", content: prompt }], ...more };
  const url = `${fake.origin}/chat/completions`;
  return fetch(url, { method: "POST", body: JSON.stringify(body), signal });
}

async function chat(prompt: string, more: object = {}): Promise<Chat> {
  const response = await post(prompt, more);
  assert.equal(response.status, 200);
  return (await response.json()) as Chat;
}

/** The chunks of a stream that comes to its end. */
async function streamed(prompt: string, more: object = {}): Promise<Chat[]> {
  const response = await post(prompt, { stream: true, ...more });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = eventsIn(await response.text());
  assert.equal(events.pop(), "[DONE]");
  return events.map((event) => JSON.parse(event) as Chat);
}

function eventsIn(text: string): string[] {
  return [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data = ""]) => data);
}

/** What came before the connection broke. */
async function brokenText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  await assert.rejects(async () => {
    for await (const piece of response.body ?? []) text += decoder.decode(piece as Uint8Array);
  });
  return text;
}

/** Waits for so many events and gives the read that is still open then. */
async function readEvents(response: Response, count: number) {
  const reader = response.body?.getReader();
  assert.ok(reader);
  const decoder = new TextDecoder();
  let text = "";
  while (eventsIn(text).length < count) text += decoder.decode((await reader.read()).value);
  assert.equal(eventsIn(text).length, count);
  return { more: reader.read() };
}
