/** Three instances over one PostgreSQL: what an administrator was answered about a key, each of them obeys at once. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPostgres, type PostgresServer } from "../support/postgres.ts";
import { startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const INSTANCES = 3;
const STEPS = 60;
const CALLS_EACH = 20;

let server: PostgresServer;
let upstream: Upstream;
let pursers: readonly TestPurser[];

before(async () => {
  server = await startPostgres();
  upstream = await startUpstream();
  const database = await server.newDatabase();
  const starting = Array.from({ length: INSTANCES }, () =>
    startTestPurser({ database, upstream: upstream.origin }),
  );
  pursers = await Promise.all(starting);
});
after(async () => {
  await Promise.all(pursers.map((purser) => purser.stop()));
  await upstream.close();
  await server.remove();
});

/** What a key is like, and so what its next call is answered. */
interface Model {
  secret: string;
  former: string[];
  blocked: boolean;
  viewer: boolean;
  models: readonly string[];
  max_budget: number | null;
}

test("generate, update, block, regenerate and delete are obeyed by every instance's next call", async (t) => {
  const dice = new Dice(seeded(t).seed);
  let model = await generated(dice);
  await assertObeyed(model);
  for (let step = 0; step < STEPS; step++) {
    model = await changed(model, dice);
    await assertObeyed(model);
  }
});

test("a key that is written without pause is refused nothing that none of the writes forbids", async () => {
  const secret = (await ok(at(0).post("/key/generate", {}))).body.key;
  const done = new AbortController();
  const writers = pursers.map(async (purser, index) => {
    for (let turn = 0; !done.signal.aborted; turn++) {
      const write = await purser.post("/key/update", { key: secret, metadata: { index, turn } });
      // Whoever loses every race against the other writers is told to ask again, and does.
      if (write.status === 409) assert.equal(write.body.error.type, "conflict");
      else assert.equal(write.status, 200, write.text);
    }
  });
  const callers = pursers.map(async (purser) => {
    for (let call = 0; call < CALLS_EACH; call++) await ok(chat(purser, secret));
  });
  const called = Promise.all(callers).finally(() => done.abort());
  await Promise.all([called, ...writers]);
});

/** Any one change, through any instance; the others have all seen the key as it was. */
async function changed(model: Model, dice: Dice): Promise<Model> {
  const { secret: key } = model;
  const admin = dice.pick(pursers);
  switch (dice.roll(8)) {
    case 0:
    case 1: {
      const blocked = dice.chance(0.4);
      await ok(admin.post(blocked ? "/key/block" : "/key/unblock", { key }));
      return { ...model, blocked };
    }
    case 2: {
      const viewer = dice.chance(0.4);
      await ok(admin.post("/key/update", { key, role: viewer ? "viewer" : "inference" }));
      return { ...model, viewer };
    }
    case 3: {
      const models = dice.pick([[], ["m"], ["other"]]);
      await ok(admin.post("/key/update", { key, models }));
      return { ...model, models };
    }
    case 4: {
      const max_budget = dice.pick([0, 1000, null]);
      await ok(admin.post("/key/update", { key, max_budget }));
      return { ...model, max_budget };
    }
    case 5:
    case 6: {
      const { body } = await ok(admin.post("/key/regenerate", { key }));
      return { ...model, secret: body.key, former: [...model.former, key] };
    }
    default: {
      await ok(admin.post("/key/delete", { keys: [key] }));
      const next = await generated(dice);
      return { ...next, former: [...model.former, key] };
    }
  }
}

async function generated(dice: Dice): Promise<Model> {
  const { body } = await ok(dice.pick(pursers).post("/key/generate", {}));
  const fresh = { blocked: false, viewer: false, models: [], max_budget: null };
  return { secret: body.key, former: [], ...fresh };
}

/** By all at once; most of them know the key only as it was. */
async function assertObeyed(model: Model): Promise<void> {
  const former = model.former.slice(-3);
  const [calls, lists, formerCalls] = await Promise.all([
    Promise.all(pursers.map((purser) => chat(purser, model.secret))),
    Promise.all(pursers.map((purser) => purser.get("/v1/models", bearer(model.secret)))),
    Promise.all(pursers.flatMap((purser) => former.map((secret) => chat(purser, secret)))),
  ]);
  for (const { status, text } of calls) {
    assert.equal(status, expectedStatus(model), `${text} for ${JSON.stringify(model)}`);
  }
  for (const { status, body } of lists) {
    assert.equal(status, model.blocked ? 401 : 200);
    if (!model.blocked) assert.equal(body.data.length, model.models.includes("other") ? 0 : 1);
  }
  for (const { status } of formerCalls) assert.equal(status, 401);
}

function expectedStatus({ blocked, viewer, models, max_budget }: Model): number {
  if (blocked || viewer) return 401;
  if (models.includes("other")) return 403;
  return max_budget === 0 ? 429 : 200;
}

function chat(purser: TestPurser, secret: string): Promise<Reply> {
  const messages = [{ role: "user", content: "hi" }];
  const call = { model: "m", user: "acme", max_tokens: 20, messages };
  return purser.post("/v1/chat/completions", call, bearer(secret));
}

function at(index: number): TestPurser {
  const purser = pursers[index];
  assert.ok(purser !== undefined);
  return purser;
}

function bearer(secret: string): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}

async function ok(asked: Promise<Reply>): Promise<Reply> {
  const reply = await asked;
  assert.equal(reply.status, 200, reply.text);
  return reply;
}
