/** What the provider learns of who calls, by what it really received. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { sqliteFile } from "../support/databases.ts";
import { SPELLINGS, type Said } from "../support/naming.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { startUpstream, streamed, whole, type Upstream } from "../support/upstream.ts";

const CALL = { model: "m", max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
const ID = "ada@example.com";
const SECRET = "a secret of the operator's";
const HASHED = createHmac("sha256", SECRET).update(ID).digest("hex");
const MAPPING = { header_name: "x-app-user", litellm_user_role: "customer" };

let upstream: Upstream;

before(async () => {
  upstream = await startUpstream();
});
after(() => upstream.close());

/** What comes of an id in each mode, wherever it was said. */
const MODES = {
  pass: { general: {}, user: ID, kept: ID, unnamed: undefined },
  hash: {
    general: { upstream_user: "hash", upstream_user_secret: SECRET },
    user: HASHED,
    kept: HASHED,
    unnamed: HASHED,
  },
  strip: {
    general: { upstream_user: "strip" },
    user: undefined,
    kept: undefined,
    unnamed: undefined,
  },
} as const;

for (const [mode, expected] of Object.entries(MODES)) {
  describe(`upstream_user: ${mode}`, () => {
    let purser: TestPurser;

    before(async () => {
      const general = { user_header_mappings: MAPPING, ...expected.general };
      purser = await startTestPurser({
        database: sqliteFile(),
        upstream: upstream.origin,
        general,
      });
    });
    beforeEach(() => {
      upstream.answer = whole();
      upstream.received.length = 0;
    });
    after(() => purser.stop());

    async function sent(said: Said): Promise<Record<string, unknown>> {
      const reply = await purser.post(
        "/v1/chat/completions",
        { ...CALL, ...said.body },
        said.headers,
      );
      assert.equal(reply.status, 200, reply.text);
      const [received] = upstream.received.splice(0);
      assert.ok(received);
      const headers = JSON.stringify(received.headers);
      assert.doesNotMatch(headers, /ada@example|x-litellm|x-app-user|x-purser/i);
      return received.body;
    }

    for (const { name, say } of SPELLINGS) {
      test(`${name} is forwarded as it shall be, streamed and not`, async () => {
        for (const stream of [false, true]) {
          upstream.answer = stream ? streamed(["Hel", "lo"]) : whole();
          const said = say(ID);
          const body = await sent({ ...said, body: { ...said.body, stream } });
          assert.equal(body["user"], name === "user" ? expected.user : expected.unnamed);
          const kept = name === "safety_identifier" ? expected.kept : undefined;
          assert.equal(body["safety_identifier"], kept);
          assert.ok(!("litellm_metadata" in body) && !("metadata" in body));
          if (mode !== "pass") assert.ok(!JSON.stringify(body).includes(ID));
        }
      });
    }

    test("metadata keeps what else is in it, as an object and as a text", async () => {
      const others = { ticket: "T-1", nested: { user_id: "not a name" } };
      const object = await sent({ body: { metadata: { user_id: ID, ...others } } });
      assert.deepEqual(object["metadata"], others);
      const text = await sent({ body: { metadata: JSON.stringify({ user_id: ID, ...others }) } });
      assert.equal(text["metadata"], JSON.stringify(others));
      assert.deepEqual((await sent({ body: { metadata: others } }))["metadata"], others);
    });

    test("a call for nobody tells the provider of nobody", async () => {
      const body = await sent({ body: { metadata: { user_id: '{"session":1}' } } });
      assert.ok(!("user" in body) && !("safety_identifier" in body) && !("metadata" in body));
    });
  });
}

test("a hash is 64 hex digits, the same for the same customer", () => {
  assert.match(HASHED, /^[0-9a-f]{64}$/);
});
