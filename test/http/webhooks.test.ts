/** Endpoints over HTTP: made, told, shown, tested and replayed, on both databases and over real sockets. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { onEachDatabase } from "../support/databases.ts";
import { pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import { startReceiver, type Delivery } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const ENDPOINTS = "/webhooks/endpoints";
const JSON_TYPE = { "content-type": "application/json" };
const KEYS =
  "spend max_budget soft_budget token customer_id user_id team_id team_alias user_email key_alias " +
  "projected_exceeded_date projected_spend event event_group event_message";

onEachDatabase((database) => {
  let upstream: Upstream;
  let webhook: Awaited<ReturnType<typeof startReceiver>>;
  let slack: Awaited<ReturnType<typeof startReceiver>>;
  let purser: TestPurser;

  before(async () => {
    upstream = await startUpstream();
    [webhook, slack] = [await startReceiver(), await startReceiver()];
    purser = await startTestPurser({
      database: await database(),
      upstream: upstream.origin,
      models: [pricedModel("m", upstream.origin)],
      general: { alerting: ["webhook", "slack"], webhook_networks: ["127.0.0.1"] },
      env: { WEBHOOK_URL: webhook.url, SLACK_WEBHOOK_URL: slack.url },
    });
  });
  after(async () => {
    await purser.stop();
    await Promise.all([upstream.close(), webhook.close(), slack.close()]);
  });

  const request = async (method: string, path: string, body?: unknown) => {
    const authorization = "Bearer sk-1234";
    const json = { body: JSON.stringify(body), headers: { authorization, ...JSON_TYPE } };
    const init = body === undefined ? { headers: { authorization } } : json;
    const response = await fetch(purser.base + path, { method, ...init });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test("a call is told to the webhook with every key that LiteLLM's has", async () => {
    assert.equal((await purser.chat("w1")).status, 200);
    const { headers, body } = await webhook.next((each) => each["customer_id"] === "w1");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(Object.keys(body).join(" "), KEYS);
    assert.equal(body["spend"], 0.06);
    assert.equal(body["event_message"], "Customer spend tracked. Customer=w1, spend=0.06");
    assert.equal(body["event_group"], "customer");
  });

  test("an endpoint gets signed events, its secret is shown once, and both secrets sign while one is replaced", async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const wish = { url: receiver.url, customers: ["signed1", "signed2"] };
    const made = await request("POST", ENDPOINTS, { ...wish, description: "billing" });
    assert.equal(made.status, 200);
    const { id, secret } = made.body as { id: string; secret: string };
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const listed = await purser.get(ENDPOINTS);
    assert.ok(!listed.text.includes("secret"));
    await purser.chat("signed1");
    const first = await receiver.next(({ type }) => type === "customer.spend_tracked");
    assert.deepEqual(signaturesOf(first), [signature(first, secret)]);
    const { data, timestamp } = first.body as { data: Record<string, unknown>; timestamp: string };
    assert.equal(data["charge"], 0.06);
    assert.equal(data["customer"], "signed1");
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);

    const rotated = await request("POST", `${ENDPOINTS}/${id}/rotate`, { overlap_seconds: 3600 });
    const fresh = String(rotated.body["secret"]);
    assert.notEqual(fresh, secret);
    await until(async () => {
      const { body } = await request("POST", `${ENDPOINTS}/${id}/test`);
      return body["delivered"] === true;
    });
    await purser.chat("signed2");
    const second = await receiver.next(
      ({ data: of, type }) => type === "customer.spend_tracked" && nameIn(of) === "signed2",
    );
    assert.deepEqual(signaturesOf(second), [signature(second, fresh), signature(second, secret)]);
  });

  test("a delivery is on the list with its attempts, and comes again under its id when it is replayed", async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const types = ["customer.created"];
    const made = await request("POST", ENDPOINTS, { url: receiver.url, types });
    const endpoint = String(made.body["id"]);
    const since = new Date(Date.now() - 1_000).toISOString();
    await purser.chat("replayed");
    const first = await receiver.next(({ type }) => type === "customer.created");
    const event = first.headers["webhook-id"];
    const list = `/webhooks/deliveries?endpoint=${endpoint}&state=delivered`;
    await until(async () => (await purser.get(list)).body.deliveries.length === 1);
    const [delivery] = (await purser.get(list)).body.deliveries;
    assert.equal(delivery.event, event);
    assert.equal(delivery.customer, "replayed");
    assert.equal(delivery.attempts[0].status, 200);
    assert.equal(typeof delivery.attempts[0].latency_ms, "number");
    const span = { since, until: new Date(Date.now() + 1_000).toISOString() };
    for (const [index, which] of [{ event }, span].entries()) {
      const replayed = await request("POST", "/webhooks/replay", { endpoint, ...which });
      assert.deepEqual(replayed.body, { endpoint, replayed: 1 });
      await until(async () => receiver.bodies.length === index + 2);
    }
    const again = await request("POST", "/webhooks/replay", { endpoint, failed: true });
    assert.deepEqual(again.body, { endpoint, replayed: 0 });
  });

  test("thresholds are told to the webhook and to Slack, a crossed budget after them", async () => {
    const budget = { user_id: "t1", max_budget: 0.06 };
    assert.equal((await purser.post("/customer/new", budget)).status, 200);
    assert.equal((await purser.chat("t1")).status, 200);
    const crossed = await webhook.next(
      ({ event, customer_id }) => event === "budget_crossed" && customer_id === "t1",
    );
    assert.equal(crossed.body["spend"], 0.06);
    assert.equal(crossed.body["max_budget"], 0.06);
    const told = webhook.bodies.filter(({ customer_id: customer }) => customer === "t1");
    assert.deepEqual(
      told.map(({ event }) => event),
      ["spend_tracked", "threshold_crossed", "threshold_crossed", "budget_crossed"],
    );
    const text = "Customer t1: budget crossed. $0.06 of $0.06 spent.";
    await slack.next((body) => body["text"] === text);
  });

  test("a budget may have thresholds of its own", async () => {
    const budget = { user_id: "t2", max_budget: 0.12, alert_thresholds: [50] };
    assert.equal((await purser.post("/customer/new", budget)).status, 200);
    for (let call = 0; call < 2; call += 1) assert.equal((await purser.chat("t2")).status, 200);
    await webhook.next(
      ({ event, customer_id }) => event === "budget_crossed" && customer_id === "t2",
    );
    const told = webhook.bodies.filter(({ customer_id: customer }) => customer === "t2");
    const messages = told.map(({ event_message: message }) => message);
    assert.ok(messages.includes("Customer Budget: 50% Threshold Crossed"));
    assert.equal(told.filter(({ event }) => event === "threshold_crossed").length, 1);
    const wrong = { user_id: "t3", max_budget: 1, alert_thresholds: [101] };
    assert.equal((await purser.post("/customer/new", wrong)).status, 422);
  });

  test("a call that is refused is told once, and a block when it is lifted again", async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const wish = { url: receiver.url, types: ["call.refused"], customers: ["r1", "r2"] };
    await request("POST", ENDPOINTS, wish);
    for (const user_id of ["r1", "r2"]) {
      await purser.post("/customer/new", { user_id, max_budget: 0 });
      for (let time = 0; time < 3; time += 1)
        assert.equal((await purser.chat(user_id)).status, 429);
    }
    await receiver.next(({ data }) => nameIn(data) === "r2");
    assert.deepEqual(
      receiver.bodies.map(({ data }) => nameIn(data)),
      ["r1", "r2"],
    );
  });

  test("the test event of LiteLLM is sent when it is asked for", async () => {
    assert.equal((await purser.get("/health/services?service=webhook")).body.status, "success");
    const { body } = await webhook.next(({ spend, max_budget }) => spend === 1 && max_budget === 0);
    assert.equal(body["event"], "budget_crossed");
    assert.equal((await purser.get("/health/services?service=slack")).status, 200);
    assert.equal((await purser.get("/health/services?service=pager")).status, 422);
  });

  test("an endpoint is changed, disabled and taken away, and what is not there is 404", async () => {
    const made = await request("POST", ENDPOINTS, { url: "https://billing.example/hook" });
    const path = `${ENDPOINTS}/${String(made.body["id"])}`;
    const change = { description: "x", types: ["budget.crossed"], disabled: true };
    const changed = await request("PATCH", path, change);
    assert.deepEqual(
      [changed.body["description"], changed.body["types"], changed.body["disabled"]],
      ["x", ["budget.crossed"], true],
    );
    assert.equal((await request("PATCH", path, { disabled: false })).body["disabled"], false);
    assert.equal((await request("DELETE", path)).status, 200);
    for (const method of ["GET", "DELETE"]) assert.equal((await request(method, path)).status, 404);
    assert.equal((await request("PATCH", path, {})).status, 404);
    assert.equal((await request("POST", `${path}/rotate`, {})).status, 404);
    const nobody = { endpoint: "ep_nobody", failed: true };
    assert.equal((await request("POST", "/webhooks/replay", nobody)).status, 404);
  });

  const REFUSED = [
    { url: "ftp://billing.example" },
    { url: "not an address" },
    { url: "https://user:secret@billing.example" },
    { url: "http://127.0.0.2/hook" },
    { url: "http://[::1]/hook" },
    { url: "http://169.254.169.254/latest/meta-data" },
    { url: "http://2852039166/" },
    { url: "https://billing.example", types: ["no.such"] },
    { url: "https://billing.example", types: [] },
    { url: "https://billing.example", secret: "whsec_short" },
    { url: "https://billing.example", extra: 1 },
    {},
  ];
  for (const body of REFUSED) {
    test(`is refused by name: ${JSON.stringify(body)}`, async () => {
      const { status, body: answer } = await request("POST", ENDPOINTS, body);
      assert.equal(status, 422);
      assert.ok(Array.isArray(answer["detail"]));
      assert.ok(!JSON.stringify(answer).includes("whsec_short"));
    });
  }

  for (const [body, loc] of [
    [{ endpoint: "webhook" }, "event"],
    [{ endpoint: "webhook", failed: true, event: "evt_1" }, "event"],
    [{ endpoint: "webhook", since: "yesterday", until: "2026-01-01T00:00:00Z" }, "since"],
    [{ endpoint: "webhook", since: "2026-01-01T00:00:00Z" }, "until"],
  ] as const) {
    test(`a replay must say one thing: ${JSON.stringify(body)}`, async () => {
      const { status, body: answer } = await request("POST", "/webhooks/replay", body);
      assert.equal(status, 422);
      assert.deepEqual((answer["detail"] as { loc: unknown }[])[0]?.loc, ["body", loc]);
    });
  }
});

/** By the reckoning of the specification, not of the library that signs. */
function signature({ headers, text }: Delivery, secret: string): string {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const content = [headers["webhook-id"], headers["webhook-timestamp"], text].join(".");
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}

function signaturesOf({ headers }: Delivery): readonly string[] {
  return String(headers["webhook-signature"]).split(" ");
}

function nameIn(data: unknown): unknown {
  return (data as { customer?: unknown } | undefined)?.customer;
}
