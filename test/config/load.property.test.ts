/** Whatever a file holds, it is a configuration or a list of mistakes, never an exception. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { stringify } from "yaml";
import { KEYS } from "../../src/config/keys.ts";
import { seeded } from "../support/seed.ts";
import { load } from "./source.ts";

const KEY_NAMES = [...new Set(Object.values(KEYS).flatMap((keys) => Object.keys(keys)))];

/** What YAML is made of, and merge keys, anchors and aliases. */
const PIECES = [...`{}[]:,&*!|>-?#'"%@\n\t`.split(""), "<<", "a: ", "- ", "&a ", "*a", "  "];

/** Values of every kind under keys that Purser reads, as deep as a file of LiteLLM is. */
const { document } = fc.letrec((tie) => ({
  document: fc.dictionary(fc.constantFrom(...KEY_NAMES, "__proto__", "x"), tie("value"), {
    maxKeys: 6,
  }),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, "", "sk-1", "os.environ/X", "sqlite:x.db", "fake/m", "webhook"),
    fc.double(),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("document"),
  ),
}));

test("a document of any values loads or has mistakes", (t) => {
  const property = fc.property(document, fc.string(), (value, variable) => {
    assertJudged(load(stringify(value), { env: { X: variable, DATABASE_URL: variable } }));
  });
  fc.assert(property, { ...seeded(t), numRuns: 200 });
});

test("a file of any text loads or has mistakes", (t) => {
  const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string());
  const property = fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    assertJudged(load(pieces.join("")));
  });
  fc.assert(property, { ...seeded(t), numRuns: 300 });
});

function assertJudged(loaded: ReturnType<typeof load>): void {
  if (loaded.ok) return;
  assert.ok(loaded.mistakes.length > 0);
  for (const { path, problem, cure } of loaded.mistakes) assert.ok(path && problem && cure);
}
