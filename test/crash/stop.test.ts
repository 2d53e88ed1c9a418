/** Starting and stopping the real process. */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runPurser, spawnPurser } from "../support/process.ts";

const DEMO = ["--port", "0"];

test("SIGTERM lets a stream finish, settles it, and exits with 0", async () => {
  const folder = mkdtempSync(join(tmpdir(), "purser-stop-"));
  const purser = await spawnPurser(folder, DEMO);
  const response = await slowStream(purser.base, {});
  const reader = response.body?.getReader();
  assert.ok(reader !== undefined);
  let text = "";
  const decoder = new TextDecoder();
  const first = await reader.read();
  text += decoder.decode(first.value);
  const exit = purser.stop();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value);
  }
  assert.match(text, /: cost=0\.\d+\n\ndata: \[DONE\]\n\n$/);
  assert.equal(await exit, 0);
  await assertNothingHeld(folder);
});

test("a client that leaves just before SIGTERM is settled before the process ends", async () => {
  const folder = mkdtempSync(join(tmpdir(), "purser-stop-"));
  const purser = await spawnPurser(folder, DEMO);
  const leaving = new AbortController();
  const response = await slowStream(purser.base, { signal: leaving.signal });
  await response.body?.getReader().read();
  leaving.abort();
  assert.equal(await purser.stop(), 0);
  await assertNothingHeld(folder);
});

test("a file that another process owns is refused with a sentence, and the owner goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "purser-stop-"));
  const owner = await spawnPurser(folder, DEMO);
  const { code, err } = await runPurser(folder, DEMO);
  assert.equal(code, 1);
  assert.match(err, /purser\.db/);
  assert.doesNotMatch(err, /\n {4}at /, "a sentence, not a stack");
  assert.equal((await owner.get("/health/readiness")).status, 200);
  assert.equal(await owner.stop(), 0);
});

test("a port that is taken is refused with a sentence", async () => {
  const owner = await spawnPurser(mkdtempSync(join(tmpdir(), "purser-stop-")), DEMO);
  const elsewhere = mkdtempSync(join(tmpdir(), "purser-stop-"));
  const { code, err } = await runPurser(elsewhere, ["--port", new URL(owner.base).port]);
  assert.equal(code, 1);
  assert.match(err, /EADDRINUSE/);
  await owner.stop();
});

test("mistakes in the configuration are all named at once, and nothing starts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "purser-stop-"));
  const mistaken = "general_settings:\n  master_key: nope\n  alertng: []\nmodel_list: []\n";
  writeFileSync(join(folder, "config.yaml"), mistaken);
  for (const command of [["check"], []]) {
    const { code, out, err } = await runPurser(folder, [...command, "--config", "config.yaml"]);
    assert.equal(code, 1);
    assert.match(out + err, /alertng +.*did you mean "alerting"/);
    assert.match(out + err, /master_key/);
  }
});

test("an unknown command prints how to use the program and exits with 2", async () => {
  const { code, err } = await runPurser(tmpdir(), ["frobnicate"]);
  assert.equal(code, 2);
  assert.match(err, /Usage: purser/);
});

test("--help prints how to use the program and exits with 0", async () => {
  const { code, out } = await runPurser(tmpdir(), ["--help"]);
  assert.equal(code, 0);
  assert.match(out, /Usage: purser/);
});

test("the first lines say where it listens, which key to use, and what to type", async () => {
  const purser = await spawnPurser(mkdtempSync(join(tmpdir(), "purser-stop-")), DEMO);
  await purser.stop();
  assert.match(purser.output[0] ?? "", /^Purser listens on http:\/\/localhost:\d+$/);
  assert.match(purser.output[1] ?? "", /sk-1234/);
  assert.match(
    purser.output.slice(0, 8).join("\n"),
    /curl http:\/\/localhost:\d+\/chat\/completions/,
  );
});

function slowStream(base: string, init: RequestInit): Promise<Response> {
  const content = "[[pace 10]] [[words 60]]";
  const messages = [{ role: "user", content }];
  return fetch(`${base}/v1/chat/completions`, {
    ...init,
    method: "POST",
    headers: { authorization: "Bearer sk-1234" },
    body: JSON.stringify({ model: "mistral", user: "slow", stream: true, messages }),
  });
}

async function assertNothingHeld(folder: string): Promise<void> {
  const { code, out } = await runPurser(folder, ["audit"]);
  assert.equal(code, 0, out);
  assert.match(out, /^postings +1$/m);
  assert.match(out, /^open holds +0$/m);
}
