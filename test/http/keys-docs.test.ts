/** docs/keys.md tells the truth: each of its commands, in order, works on the demonstration as it is typed. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import { formatMistakes } from "../../src/config/mistake.ts";
import { startPurser, type Purser } from "../../src/purser.ts";
import { sqliteFile } from "../support/databases.ts";
import { readText } from "../support/sources.ts";

const COMMANDS = [...readText("docs/keys.md").matchAll(/```sh\n(curl [^`]*)```/g)].map(
  ([, command = ""]) => command.replaceAll("\\\n", " "),
);

let purser: Purser;

before(async () => {
  const argv = { port: "0", host: "127.0.0.1" };
  const env = { DATABASE_URL: sqliteFile(), LOG_LEVEL: "silent" };
  const loaded = loadConfig({ file: null, env, argv });
  if (!loaded.ok) throw new Error(formatMistakes(loaded.mistakes));
  purser = await startPurser(loaded.config, { demo: true, print: () => undefined });
});
after(() => purser.stop());

test("the page has commands", () => {
  assert.ok(COMMANDS.length > 8);
});

for (const command of COMMANDS) {
  test(command.replaceAll(/\s+/g, " ").trim(), async () => {
    const { path, init } = requestOf(command);
    const response = await fetch(`http://127.0.0.1:${String(purser.port)}${path}`, init);
    assert.equal(response.status, 200, await response.text());
  });
}

/** What curl would send, of the options that the page uses. */
function requestOf(command: string): { readonly path: string; readonly init: RequestInit } {
  const path = /http:\/\/localhost:4000([^\s']*)/.exec(command)?.[1] ?? assert.fail(command);
  const headers = [...command.matchAll(/-H '([^:]+): ([^']*)'/g)].map(
    ([, name = "", value = ""]): [string, string] => [name, value],
  );
  const body = /-d '([^']*)'/.exec(command)?.[1] ?? null;
  const method = command.includes("-X POST") || body !== null ? "POST" : "GET";
  return { path, init: { method, headers, body } };
}
