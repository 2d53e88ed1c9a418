/** docs/metering.md says what the code does. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { METERING_FILE, renderMeteringDocs } from "../../scripts/metering-docs.ts";
import { USAGE_PARTS } from "../../src/money/usage.ts";
import { OPENAI } from "./openai.ts";
import { OTHERS } from "./others.ts";

const page = readFileSync(METERING_FILE, "utf8");

test("the worked examples are current; if not: node scripts/metering-docs.ts", async () => {
  assert.equal(page, await renderMeteringDocs(page));
});

test("every part and every convention is explained", () => {
  const conventions = [...OPENAI, ...OTHERS].map(({ convention }) => convention);
  for (const name of [...USAGE_PARTS, ...conventions])
    assert.ok(page.includes(`\`${name}\``), name);
});

test("every test that the page names is there", () => {
  const links = [...page.matchAll(/\]\((\.\.\/test\/[^)]+)\)/g)].map(([, link = ""]) => link);
  const base = pathToFileURL(METERING_FILE);
  assert.ok(links.length > 20);
  assert.deepEqual(
    links.filter((link) => !existsSync(new URL(link, base))),
    [],
  );
});
