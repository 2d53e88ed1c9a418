/** The documentation of the configuration is what the reader does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DOCS_FILE, renderConfigDocs } from "../../scripts/config-docs.ts";
import { KEYS, type SectionName } from "../../src/config/keys.ts";
import { namesIn } from "../../src/config/section.ts";

const page = readFileSync(DOCS_FILE, "utf8");

test("docs/configuration.md is current; if not: node scripts/config-docs.ts", async () => {
  assert.equal(page, await renderConfigDocs(page));
});

test("docs/configuration.md names every key", () => {
  const sections = Object.keys(KEYS) as readonly SectionName[];
  const missing = sections.flatMap(namesIn).filter((name) => !page.includes(`\`${name}\``));
  assert.deepEqual(missing, []);
});
