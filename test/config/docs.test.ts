/** The documentation of the configuration is what the reader does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { DOCS_FILES, renderConfigDocs } from "../../scripts/config-docs.ts";
import { KEYS, type SectionName } from "../../src/config/keys.ts";
import { namesIn } from "../../src/config/section.ts";

for (const file of DOCS_FILES) {
  const page = readFileSync(file, "utf8");

  test(`docs/${basename(file)} is current; if not: npm run docs`, async () => {
    assert.equal(page, await renderConfigDocs(page));
  });

  test(`docs/${basename(file)} names every key`, () => {
    const sections = Object.keys(KEYS) as readonly SectionName[];
    const missing = sections.flatMap(namesIn).filter((name) => !page.includes(`\`${name}\``));
    assert.deepEqual(missing, []);
  });
}
