/** Bodies: what a call is, and a clear refusal of everything else. */

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import * as fc from "fast-check";
import { readBody, readBytes, understand } from "../../src/gateway/read.ts";
import { ROUTES } from "../../src/gateway/routes.ts";
import { ApiError } from "../../src/http/errors.ts";

const MESSAGES = [{ role: "user", content: "hi" }];

test("a call is read with its defaults", async () => {
  const {
    body,
    form: _form,
    uploads: _uploads,
    ...call
  } = await chat({ model: "m", messages: MESSAGES });
  assert.deepEqual(call, {
    model: "m",
    stream: false,
    wantsUsage: false,
    outputTokensMax: null,
    choices: 1,
  });
  assert.deepEqual(body["messages"], MESSAGES);
});

test("of two output bounds the larger counts, because the provider may obey either", async () => {
  const both = { model: "m", messages: MESSAGES, max_tokens: 9, max_completion_tokens: 7 };
  assert.equal((await chat(both)).outputTokensMax, 9);
  const one = await chat({ model: "m", messages: MESSAGES, max_tokens: 5 });
  assert.equal(one.outputTokensMax, 5);
});

test("a model in the path stands for the body's", async () => {
  const bytes = Buffer.from(JSON.stringify({ model: "body", messages: MESSAGES }));
  assert.equal((await read("/v1/chat/completions", bytes, "path")).model, "path");
});

const FAULTS: readonly (readonly [fault: string, body: unknown, param: string | null])[] = [
  ["no model", { messages: MESSAGES }, "model"],
  ["an empty model", { model: "", messages: MESSAGES }, "model"],
  ["a model that is no text", { model: 7, messages: MESSAGES }, "model"],
  ["no messages", { model: "m" }, "messages"],
  ["an empty list of messages", { model: "m", messages: [] }, "messages"],
  ["messages that are no list", { model: "m", messages: "hi" }, "messages"],
  ["a message that is no object", { model: "m", messages: ["hi"] }, "messages"],
  ["stream that is no boolean", { model: "m", messages: MESSAGES, stream: "yes" }, "stream"],
  ["n of 0", { model: "m", messages: MESSAGES, n: 0 }, "n"],
  ["n of a million", { model: "m", messages: MESSAGES, n: 1_000_000 }, "n"],
  ["a negative max_tokens", { model: "m", messages: MESSAGES, max_tokens: -1 }, "max_tokens"],
  ["half a token", { model: "m", messages: MESSAGES, max_tokens: 0.5 }, "max_tokens"],
  ["max_tokens as text", { model: "m", messages: MESSAGES, max_tokens: "9" }, "max_tokens"],
  [
    "stream_options as text",
    { model: "m", messages: MESSAGES, stream_options: "x" },
    "stream_options",
  ],
  ["a list", [], null],
  ["a number", 7, null],
  ["null", null, null],
];

for (const [fault, body, param] of FAULTS) {
  test(`${fault} is refused by name`, async () => {
    await assert.rejects(chat(body), refusalOf("invalid_request", param));
  });
}

for (const { name } of ROUTES) {
  test(`${name} reads any bytes or refuses them, never anything else`, async () => {
    const anything = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        await read(name, Buffer.from(bytes)).catch((error: unknown) => {
          assert.ok(error instanceof ApiError);
        });
      }),
    );
  });
}

test("__proto__ in a body is a key like any other", async () => {
  const bytes = Buffer.from(
    '{"model":"m","messages":[{"role":"user","content":"hi"}],"__proto__":{"stream":true}}',
  );
  assert.equal((await read("/v1/chat/completions", bytes)).stream, false);
});

test("a body is read to its end", async () => {
  assert.equal((await readBytes(incoming(["ab", "cd"]), 4)).toString(), "abcd");
});

test("a body that says it is too long is refused unread", async () => {
  const request = incoming(["x"], { "content-length": "5" });
  await assert.rejects(readBytes(request, 4), refusalOf("body_too_large", null));
  assert.equal(request.readableFlowing, null);
});

test("a body that turns out too long is refused where it passes the bound", async () => {
  const request = incoming(["ab", "cd", "ef", "gh"]);
  await assert.rejects(readBytes(request, 4), refusalOf("body_too_large", null));
  assert.ok(request.isPaused());
});

test("a body that is cut off is refused", async () => {
  const request = new Readable({ read: () => undefined }) as IncomingMessage;
  request.headers = {};
  const body = readBytes(request, 4);
  request.destroy();
  await assert.rejects(body, refusalOf("invalid_request", null));
});

function chat(body: unknown) {
  return read("/v1/chat/completions", Buffer.from(JSON.stringify(body)));
}

async function read(name: string, bytes: Buffer, pathModel?: string) {
  const route = ROUTES.find((row) => row.name === name);
  assert.ok(route !== undefined, `there is no route ${name}`);
  return understand(route, await readBody(bytes, {}), pathModel);
}

function incoming(pieces: readonly string[], headers = {}): IncomingMessage {
  const request = Readable.from(pieces.map((piece) => Buffer.from(piece))) as IncomingMessage;
  request.headers = headers;
  return request;
}

function refusalOf(name: string, param: string | null) {
  return (error: unknown) =>
    error instanceof ApiError && error.error === name && (error.details.param ?? null) === param;
}
