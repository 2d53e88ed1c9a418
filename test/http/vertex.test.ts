/** Google's cloud with a service account: the sign-in is real, and the model answers only to its token. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { sqliteFile } from "../support/databases.ts";
import { startGoogleSignIn, type GoogleSignIn } from "../support/google.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { json, startUpstream, type Script, type Upstream } from "../support/upstream.ts";
import { ANTHROPIC, GEMINI } from "../support/voices.ts";

const MODEL = "gemini-2.5-flash";
const CLAUDE = "claude-sonnet-4-5";

let google: GoogleSignIn;
let upstream: Upstream;

before(async () => {
  google = await startGoogleSignIn();
  upstream = await startUpstream();
});
beforeEach(() => {
  google.received.length = 0;
  google.lifetime = 3600;
  upstream.received.length = 0;
  upstream.answer = toBearers(GEMINI.whole({ text: "Hello." }));
});
after(async () => {
  await upstream.close();
  await google.close();
});

test("the JSON of a service account signs in once for many calls, streamed ones too", async () => {
  await withPurser({ vertex_credentials: JSON.stringify(google.account) }, async (purser) => {
    const replies = await Promise.all([1, 2, 3, 4].map(() => chat(purser, MODEL)));
    for (const { status, body } of replies) {
      assert.deepEqual([status, body.choices?.[0].message.content], [200, "Hello."]);
    }
    upstream.answer = toBearers(GEMINI.streamed({ text: "Hello." }));
    const streamed = await chat(purser, MODEL, { stream: true });
    assert.match(streamed.text, /"content":"Hel"/);
    assert.equal(google.received.length, 1);
    const paths = new Set(upstream.received.map(({ path }) => path));
    assert.deepEqual(
      [...paths],
      [`/models/${MODEL}:generateContent`, `/models/${MODEL}:streamGenerateContent?alt=sse`],
    );
  });
});

test("a token that has run out is asked for again", async () => {
  google.lifetime = 1;
  await withPurser({ vertex_credentials: JSON.stringify(google.account) }, async (purser) => {
    await chat(purser, MODEL);
    await chat(purser, MODEL);
    assert.equal(google.received.length, 2);
    const sent = upstream.received.map(({ headers }) => headers.authorization);
    assert.deepEqual(sent, ["Bearer token-1", "Bearer token-2"]);
  });
});

test("the path of the file does as well, and so does Google's own variable", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "purser-google-")), "account.json");
  writeFileSync(file, JSON.stringify(google.account));
  const ways = [
    [{ vertex_credentials: file }, {}],
    [{}, { GOOGLE_APPLICATION_CREDENTIALS: file }],
  ] as const;
  for (const [params, env] of ways) {
    const use = async (purser: TestPurser) => assert.equal((await chat(purser, MODEL)).status, 200);
    await withPurser(params, use, env);
  }
  assert.equal(google.received.length, 2);
});

test("Claude on Google's cloud is signed in for alike", async () => {
  upstream.answer = toBearers(ANTHROPIC.whole({ text: "Hello." }));
  await withPurser({ vertex_credentials: JSON.stringify(google.account) }, async (purser) => {
    const { body } = await chat(purser, CLAUDE);
    assert.equal(body.choices[0].message.content, "Hello.");
    assert.equal(upstream.received[0]?.path, `/${CLAUDE}:rawPredict`);
    assert.equal(upstream.received[0].body["anthropic_version"], "vertex-2023-10-16");
  });
});

test("a key that Google does not know is a clear 401 without the key, and costs nothing", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const private_key = privateKey.export({ type: "pkcs8", format: "pem" });
  const stranger = { ...google.account, private_key };
  await withPurser({ vertex_credentials: JSON.stringify(stranger) }, async (purser) => {
    for (const stream of [false, true]) {
      const { status, text, body } = await chat(purser, MODEL, { stream });
      assert.equal(status, 401);
      assert.match(body.error.message, /did not let Purser sign in.*invalid_grant.*Signature/);
      assert.doesNotMatch(text, /PRIVATE KEY/);
    }
    assert.equal(upstream.received.length, 0);
    assert.equal((await purser.info("c")).spend, 0);
  });
});

test("a sign-in that fails or cannot be reached is a 502, and is tried again", async () => {
  const { answer } = google;
  google.answer = (_received, response) => json(response, 503, { error: "backend_error" });
  const gone = await startUpstream();
  await gone.close();
  const away = { ...google.account, token_uri: `${gone.origin}/token` };
  await withPurser({ vertex_credentials: JSON.stringify(google.account) }, async (purser) => {
    assert.equal((await chat(purser, MODEL)).status, 502);
    google.answer = answer;
    assert.equal((await chat(purser, MODEL)).status, 200);
  });
  await withPurser({ vertex_credentials: JSON.stringify(away) }, async (purser) => {
    assert.equal((await chat(purser, MODEL)).status, 502);
  });
});

async function withPurser(
  params: object,
  use: (purser: TestPurser) => Promise<unknown>,
  env: Record<string, string> = {},
): Promise<void> {
  const purser = await startTestPurser({
    database: sqliteFile(),
    upstream: upstream.origin,
    env,
    models: [MODEL, CLAUDE].map((name) => ({
      model_name: name,
      litellm_params: {
        model: `vertex_ai/${name}`,
        api_base: upstream.origin,
        vertex_location: "europe-west4",
        ...params,
      },
      model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
    })),
  });
  try {
    await use(purser);
  } finally {
    await purser.stop();
  }
}

function chat(purser: TestPurser, model: string, more: object = {}): Promise<Reply> {
  const messages = [{ role: "user", content: "hi" }];
  return purser.post("/v1/chat/completions", { model, messages, user: "c", ...more });
}

/** Whoever has no token of Google's is told so. */
function toBearers(answer: Script): Script {
  return (received, response) => {
    if (/^Bearer token-\d+$/.test(received.headers.authorization ?? "")) {
      return answer(received, response);
    }
    json(response, 401, { error: { code: 401, message: "no token", status: "UNAUTHENTICATED" } });
  };
}
