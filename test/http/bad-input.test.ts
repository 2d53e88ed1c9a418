/** Hostile and mistaken requests: an OpenAI-shaped error with a string code, never a 500, never a secret, never a charge. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { sqliteFile } from "../support/databases.ts";
import { MASTER_KEY, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const BYTES_MAX = 100_000;
const MESSAGES = [{ role: "user", content: "hi" }];
const CALL = { model: "m", messages: MESSAGES };

let upstream: Upstream;
let purser: TestPurser;

before(async () => {
  upstream = await startUpstream();
  purser = await startTestPurser({
    database: sqliteFile(),
    upstream: upstream.origin,
    general: { request_bytes_max: BYTES_MAX },
  });
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

const PATH = "/v1/chat/completions";

const FAULTS: readonly (readonly [fault: string, body: unknown, status: number])[] = [
  ["an empty body", "", 400],
  ["malformed JSON", '{"model":', 400],
  ["a lone bracket a thousand times", "[".repeat(50_000), 400],
  ["nested messages that no stack holds", nested(20_000), 400],
  ["a list", [], 400],
  ["no model", { messages: MESSAGES }, 400],
  ["an unknown model", { model: "nope", messages: MESSAGES }, 404],
  ["a model of 90 kB", { model: "x".repeat(90_000), messages: MESSAGES }, 404],
  ["__proto__ as the model", { model: "__proto__", messages: MESSAGES }, 404],
  ["a user of 90 kB", { ...CALL, user: "x".repeat(90_000) }, 400],
  ["a user with a NUL byte", { ...CALL, user: "a\u0000b" }, 400],
  ["a user that is half a character", { ...CALL, user: "\ud800" }, 400],
  ["max_tokens as text", { ...CALL, max_tokens: "20" }, 400],
  ["a body over the limit", { ...CALL, pad: "x".repeat(BYTES_MAX) }, 413],
];

for (const [fault, body, status] of FAULTS) {
  test(`${fault} is answered ${String(status)} and reaches no provider`, async () => {
    const reply = await purser.post(PATH, body);
    assert.equal(reply.status, status);
    assertEnvelope(reply);
    assert.equal(upstream.received.length, 0);
  });
}

for (const [fault, headers] of [
  ["no key", {}],
  ["an empty key", { authorization: "" }],
  ["a wrong key", { authorization: "Bearer sk-wrong" }],
  ["a key of SQL", { authorization: "Bearer ' or '1'='1' union select * from keys --" }],
  ["a key of 10 kB", { authorization: `Bearer ${"x".repeat(10_000)}` }],
] as const) {
  for (const [method, path] of [
    ["POST", PATH],
    ["POST", "/customer/new"],
    ["GET", "/customer/info?end_user_id=a"],
    ["GET", "/v1/models"],
  ] as const) {
    test(`${fault} is a 401 on ${method} ${path}`, async () => {
      const body = method === "POST" ? JSON.stringify({ ...CALL, user_id: "a" }) : null;
      const response = await fetch(purser.base + path, { method, headers, body });
      const text = await response.text();
      assert.equal(response.status, 401);
      assertEnvelope({ status: 401, text, body: JSON.parse(text) });
    });
  }
}

test("an unknown path is a 404, and a wrong method is not served", async () => {
  const reply = await purser.get("/nope");
  assert.equal(reply.status, 404);
  assertEnvelope(reply);
  const wrong = await purser.get(PATH);
  assert.equal(wrong.status, 404);
  assertEnvelope(wrong);
});

test("a path that cannot be decoded is an OpenAI error with an id", async () => {
  const reply = await purser.post("/openai/deployments/%zz/chat/completions", CALL);
  assert.equal(reply.status, 400);
  assertEnvelope(reply);
  assert.ok(reply.headers.get("x-request-id"));
});

test("headers that are too large are an OpenAI error", async () => {
  const socket = connect(Number(new URL(purser.base).port), "127.0.0.1");
  socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(40_000)}\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 400 [^]*"type":"invalid_request_error"/);
  socket.destroy();
});

test("__proto__, constructor and quotes are customers like any other", async () => {
  for (const user of ["__proto__", "constructor", "'; drop table customers; --", "ünïcode 😀"]) {
    assert.equal((await purser.chat(user)).status, 200);
    assert.equal((await purser.info(user)).spend, 0.06, user);
  }
  upstream.received.length = 0;
});

test("an empty user is no customer", async () => {
  const { status } = await purser.post(PATH, { ...CALL, user: "" });
  assert.equal(status, 200);
  assert.equal((await purser.get("/customer/info?end_user_id=")).status, 404);
  upstream.received.length = 0;
});

test("a body that announces gigabytes is refused without being read", async () => {
  const { port } = new URL(purser.base);
  const socket = connect(Number(port), "127.0.0.1");
  socket.write(
    `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${MASTER_KEY}\r\n` +
      "content-type: application/json\r\ncontent-length: 9000000000\r\n\r\n{",
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("a body that never ends is refused where it passes the limit", async () => {
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(Buffer.alloc(16_384, "x"));
    },
  });
  const init = { method: "POST", body: endless, duplex: "half" } as const;
  const headers = { authorization: `Bearer ${MASTER_KEY}` };
  const response = await fetch(purser.base + PATH, { ...init, headers });
  assert.equal(response.status, 413);
});

const NEW_FAULTS: readonly (readonly [
  fault: string,
  body: unknown,
  status: number,
  says: RegExp,
])[] = [
  ["no user_id", {}, 422, /"loc":\["body","user_id"\]/],
  ["an unknown field", { user_id: "x", max_bugdet: 1 }, 422, /max_bugdet/],
  ["a negative budget", { user_id: "x", max_budget: -1 }, 400, /non-negative finite.*-1/],
  ["a budget of NaN", { user_id: "x", max_budget: "NaN" }, 400, /non-negative finite.*NaN/],
  ["an infinite budget", { user_id: "x", max_budget: "1e999" }, 400, /non-negative finite/],
  ["a budget of true", { user_id: "x", max_budget: true }, 422, /max_budget/],
  ["a bad duration", { user_id: "x", max_budget: 1, budget_duration: "10days" }, 400, /10days/],
  ["a NUL in the id", { user_id: "a\u0000" }, 422, /free of NUL/],
  ["a NUL in the alias", { user_id: "x", alias: "a\u0000" }, 422, /"alias".*free of NUL/],
  ["half a character in a name", { user_id: "x", models: ["\ud800"] }, 422, /well-formed/],
  ["a line break in the id", { user_id: "a\n" }, 400, /control characters/],
  ["malformed JSON", "{", 400, /not valid JSON/],
  ["an empty body", "", 422, /"loc":\["body"\]/],
];

for (const [fault, body, status, says] of NEW_FAULTS) {
  test(`a new customer with ${fault} is answered ${String(status)}, and nothing is written`, async () => {
    const reply = await purser.post("/customer/new", body);
    assert.equal(reply.status, status);
    assert.match(reply.text, says);
    assert.equal((await purser.get("/customer/info?end_user_id=x")).status, 404);
  });
}

test("a budget may be given as text, as LiteLLM's clients do", async () => {
  const { body } = await purser.post("/customer/new", { user_id: "text", max_budget: "0.5" });
  assert.equal(body.litellm_budget_table.max_budget, 0.5);
});

function assertEnvelope({ text, body }: Pick<Reply, "status" | "text" | "body">): void {
  assert.equal(typeof body.error.message, "string");
  assert.equal(typeof body.error.type, "string");
  assert.equal(typeof body.error.code, "string");
  assert.ok("param" in body.error);
  assert.doesNotMatch(text, /sk-1234|sk-upstream|sk-wrong|at .*\.ts:/);
  assert.ok(text.length < 2000, "an error does not echo what it was sent");
}

function nested(depth: number): string {
  const content = `${"[".repeat(depth)}${"]".repeat(depth)}`;
  return `{"model":"m","messages":[{"role":"user","content":${content}}]}`;
}
