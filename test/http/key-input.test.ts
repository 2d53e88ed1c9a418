/** Hostile keys, key names and fields, on both databases: refused with a reason or kept as they are, never a 500. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { MASTER_KEY, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { Dice, seeded } from "../support/seed.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const ROUNDS = 150;

/** What injections, broken decoders and careless loggers choke on. */
const PIECES = [
  "'\"`\\;%_*?&=#/ ,(){}<>$\n\r\t".split(""),
  ["\u0000", "\u0001", "\u007f", "\u0085", "\u2028", "\u202e", "ﬀ", "é", "🦉", "\ud800", "\udc00"],
  ["' or '1'='1", "union select * from keys --", "; drop table keys", "$1", "${x}", "%00", "%s"],
  ["Bearer ", "sk-", "sk-1234", "null", "__proto__", "NaN", "-1", "../..", "x".repeat(300)],
].flat();

const ROUTES = [
  ["POST", "/v1/chat/completions"],
  ["GET", "/v1/models"],
  ["GET", "/key/info"],
  ["GET", "/key/list"],
  ["POST", "/key/generate"],
] as const;

onEachDatabase((database) => {
  let upstream: Upstream;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    purser = await startTestPurser({ database: await database(), upstream: upstream.origin });
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  test("whatever stands in Authorization, it is a 401 or no HTTP, and says nothing of itself", async (t) => {
    const dice = new Dice(seeded(t).seed);
    for (let round = 0; round < ROUNDS; round++) {
      const [method, path] = dice.pick(ROUTES);
      const secret = `Bearer ${textOf(dice)}`;
      if (/^(?:Bearer\s+)+sk-1234\s*$/i.test(secret)) continue;
      const { status, text } = await raw(method, path, secret);
      assert.ok([400, 401].includes(status), `${String(status)} for ${JSON.stringify(secret)}`);
      assert.ok(text.length < 1000, "it is not echoed");
    }
    assert.equal(upstream.received.length, 0);
  });

  test("a key of 10 kB and every prefix of the master key are a 401", async () => {
    const prefixes = Array.from(MASTER_KEY, (_, index) => MASTER_KEY.slice(0, index));
    for (const secret of [
      "x".repeat(10_000),
      ...prefixes,
      `${MASTER_KEY}0`,
      MASTER_KEY.toUpperCase(),
    ]) {
      assert.equal((await raw("GET", "/key/info", `Bearer ${secret}`)).status, 401);
    }
  });

  test("the hash of a secret opens nothing", async () => {
    const { token } = (await purser.post("/key/generate", {})).body;
    assert.equal((await raw("GET", "/v1/models", `Bearer ${token}`)).status, 401);
  });

  test("whatever a key is named, it is a key or there is none", async (t) => {
    const dice = new Dice(seeded(t).seed);
    for (let round = 0; round < ROUNDS; round++) {
      const key = textOf(dice);
      const encoded = encodeURIComponent(key.toWellFormed());
      const replies = [
        await purser.get(`/key/info?key=${encoded}`),
        await purser.post(`/key/${encoded}/regenerate`, {}),
        await purser.post(dice.pick(["/key/update", "/key/block", "/key/regenerate"]), { key }),
        await purser.post("/key/delete", { [dice.pick(["keys", "key_aliases"])]: [key] }),
        await purser.get(`/key/list?team_id=${encoded}`),
      ];
      for (const { status, text } of replies) {
        assert.ok([200, 400, 404, 422].includes(status), `${text} for ${JSON.stringify(key)}`);
        if (status === 200) assert.match(text, /"total_count":0/);
      }
    }
  });

  test("whatever a field holds, it is refused or read back to the last character", async (t) => {
    const dice = new Dice(seeded(t).seed);
    for (let round = 0; round < ROUNDS; round++) {
      const [a, b, c] = [textOf(dice), textOf(dice), textOf(dice)];
      const named = { key_alias: `${String(round)}${a}`, team_id: b, user_id: c, models: [a, b] };
      const fields = { ...named, metadata: { [a]: b, c } };
      const { status, body, text } = await purser.post("/key/generate", fields);
      assert.ok([200, 422].includes(status), `${text} for ${JSON.stringify(fields)}`);
      if (status === 200) {
        const { info } = (await purser.get(`/key/info?key=${body.key}`)).body;
        const { key_alias, team_id, user_id, models, metadata } = info;
        assert.deepEqual({ key_alias, team_id, user_id, models, metadata }, fields);
        const list = await purser.get(`/key/list?key_alias=${encodeURIComponent(named.key_alias)}`);
        assert.deepEqual(list.body.keys, [body.token]);
      }
    }
  });

  for (const [what, path, body, field] of [
    ["an unknown field", "/key/generate", { max_bugdet: 1 }, "max_bugdet"],
    ["an unknown field", "/key/update", { key: "sk-x", spend: 0 }, "spend"],
    ["an unknown field", "/key/block", { key: "sk-x", reason: "" }, "reason"],
    ["an unknown field", "/key/regenerate", { key: "sk-x", new_key: "sk-y" }, "new_key"],
    ["no key", "/key/update", { max_budget: 1 }, "key"],
    ["no key", "/key/delete", {}, "keys"],
    ["an empty list", "/key/delete", { keys: [] }, "keys"],
    ["two kinds of names", "/key/delete", { keys: ["sk-x"], key_aliases: ["x"] }, "keys"],
    ["a number as alias", "/key/generate", { key_alias: 5 }, "key_alias"],
    ["an empty alias", "/key/generate", { key_alias: "" }, "key_alias"],
    ["models as text", "/key/generate", { models: "m" }, "models"],
    ["blocked as text", "/key/generate", { blocked: "no" }, "blocked"],
    ["metadata as a list", "/key/generate", { metadata: [] }, "metadata"],
    ["metadata of 20 kB", "/key/generate", { metadata: { x: "x".repeat(20_000) } }, "metadata"],
    ["a budget id of NUL", "/key/generate", { budget_id: "\u0000" }, "budget_id"],
    [
      "a customers' budget of NUL",
      "/key/generate",
      { metadata: { end_user_budget_id: "\u0000" } },
      "metadata",
    ],
    ["an unknown role", "/key/generate", { role: "admin" }, "role"],
    ["LiteLLM's managing keys", "/key/generate", { key_type: "management" }, "key_type"],
    ["two roles", "/key/generate", { role: "inference", key_type: "read_only" }, "role"],
    ["an unknown mode", "/key/generate", { customer_mode: "some" }, "customer_mode"],
    ["bound to nobody", "/key/generate", { customer_mode: "bound" }, "customer_id"],
    [
      "bound to junk",
      "/key/generate",
      { customer_mode: "bound", customer_id: "\u0000" },
      "customer_id",
    ],
    ["a customer of any", "/key/generate", { customer_id: "acme" }, "customer_id"],
    ["no prefix", "/key/generate", { customer_mode: "prefix", customer_id: "a" }, "customer_id"],
    [
      "an empty prefix",
      "/key/generate",
      { customer_mode: "prefix", customer_prefix: "" },
      "customer_prefix",
    ],
    ["a budget twice", "/key/generate", { budget_id: "b", max_budget: 1 }, "max_budget"],
  ] as const) {
    test(`${what} in ${path} is a 422 that names ${field}: ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const { keys: before } = (await purser.get("/key/list?size=100")).body;
      const reply = await purser.post(path, body);
      assert.equal(reply.status, 422, reply.text);
      assert.deepEqual(reply.body.detail[0].loc.slice(0, 2), ["body", field]);
      assert.deepEqual((await purser.get("/key/list?size=100")).body.keys, before);
    });
  }

  test("a negative budget, an unknown tier and a page that is no number are refused, and nothing is made", async () => {
    const { total_count } = (await purser.get("/key/list")).body;
    for (const [reply, status] of [
      [await purser.post("/key/generate", { max_budget: -1 }), 400],
      [await purser.post("/key/generate", { budget_id: "no-such-tier" }), 404],
      [await purser.get("/key/list?page=0"), 422],
      [await purser.get("/key/list?page=x"), 422],
      [await purser.get("/key/list?size=101"), 422],
      [await purser.get("/key/list?sise=10"), 422],
    ] as const) {
      assert.equal(reply.status, status, reply.text);
    }
    assert.equal((await purser.get("/key/list")).body.total_count, total_count);
  });

  /** On a bare socket, because no client would send it. */
  async function raw(
    method: string,
    path: string,
    secret: string,
  ): Promise<Pick<Reply, "status" | "text">> {
    const socket = connect(Number(new URL(purser.base).port), "127.0.0.1");
    const body = '{"model":"m","messages":[]}';
    const head = [
      `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ${secret}`,
      `content-type: application/json\r\ncontent-length: ${String(body.length)}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(socket, "close");
    const text = Buffer.concat(chunks).toString("utf8");
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text };
  }
});

function textOf(dice: Dice): string {
  return Array.from({ length: 1 + dice.roll(6) }, () => dice.pick(PIECES)).join("");
}
