/** The documentation of the events is made from the table that the ledger goes by. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EVENT_DOCS_FILE, renderEventDocs } from "../../scripts/event-docs.ts";
import { EVENT_KINDS } from "../../src/ledger/event.ts";

const page = readFileSync(EVENT_DOCS_FILE, "utf8");

test("docs/events.md is current; if not: npm run docs", async () => {
  assert.equal(page, await renderEventDocs(page));
});

test("docs/events.md names every kind of event", () => {
  const missing = Object.keys(EVENT_KINDS).filter((kind) => !page.includes(`| \`${kind}\``));
  assert.deepEqual(missing, []);
});
