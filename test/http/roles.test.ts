/** Who may do what: every route of a running server with every kind of key, cell by cell, on real sockets. */

import assert from "node:assert/strict";
import { ROUTES as CALL_ROUTES } from "../../src/gateway/routes.ts";
import { after, before, describe, test } from "node:test";
import { sqliteFile } from "../support/databases.ts";
import { MASTER_KEY, startTestPurser, type Reply, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/until.ts";

const CALLERS = [
  "no key",
  "unknown key",
  "blocked key",
  "expired key",
  "inference key",
  "bound key",
  "viewer",
  "admin",
] as const;
type CallerName = (typeof CALLERS)[number];

/** What each caller is answered. `ok` stands for any 2xx. */
type Cells = Readonly<Record<CallerName, 401 | 404 | "ok">>;

const REFUSED = {
  "no key": 401,
  "unknown key": 401,
  "blocked key": 401,
  "expired key": 401,
  "inference key": 401,
  "bound key": 401,
  viewer: 401,
} as const;

/** Needs no key, and tells nothing that one is needed for. */
const OPEN = Object.fromEntries(CALLERS.map((name) => [name, "ok"])) as Cells;
const WRITE: Cells = { ...REFUSED, admin: "ok" };
const READ: Cells = { ...WRITE, viewer: "ok" };
/** Spends; a viewer does not. */
const CALL: Cells = { ...WRITE, "inference key": "ok", "bound key": "ok" };
/** Any key about itself. */
const OWN: Cells = { ...CALL, viewer: "ok" };

interface Route {
  readonly cells: Cells;
  /** A fresh request for each cell, so that none fails because of an earlier one. */
  readonly request: (unique: string) => Promise<{ readonly path: string; readonly body?: object }>;
}

let upstream: Upstream;
let purser: TestPurser;
let secrets: Readonly<Record<CallerName, string | null>>;

/** Of somebody else: what no other key may ever be shown. */
const VICTIM = { customer: "victim-co", alias: "victim-alias" };

before(async () => {
  upstream = await startUpstream();
  const { origin } = upstream;
  purser = await startTestPurser({
    database: sqliteFile(),
    upstream: origin,
    general: {
      alerting: ["webhook"],
      webhook_networks: ["127.0.0.1"],
      exports: [{ to: "lago", meter: "m", api_key: "k", api_base: origin }],
    },
    env: { WEBHOOK_URL: origin },
  });
  await purser.chat(VICTIM.customer);
  const bound = { customer_mode: "bound", customer_id: "bound-co" };
  const expired = await keyWith({ duration: "1s" });
  secrets = {
    "no key": null,
    "unknown key": "sk-unknown",
    "blocked key": await keyWith({ blocked: true }),
    "expired key": expired,
    "inference key": await keyWith({}),
    "bound key": await keyWith(bound),
    viewer: await keyWith({ role: "viewer" }),
    admin: MASTER_KEY,
  };
  await keyWith({ key_alias: VICTIM.alias });
  await until(async () => (await send("GET", "/v1/models", expired)).status === 401);
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

const CHAT = { model: "m", user: "bound-co", messages: [{ role: "user", content: "hi" }] };

const DAYS = "start_date=2026-01-01&end_date=2026-01-02";

const ADMIN_ONLY = { detail: { error: "Admin-only endpoint. Your user role=inference" } };

/** Every route there is, by method and path. One that the server has and that is not here fails the test. */
const ROUTES: Readonly<Record<string, Route>> = {
  "POST /v1/chat/completions": call("/v1/chat/completions"),
  "POST /chat/completions": call("/chat/completions"),
  "POST /openai/deployments/{model}/chat/completions": call(
    "/openai/deployments/m/chat/completions",
  ),
  "GET /v1/responses/{id}": at(OWN, "/v1/responses/r1"),
  "GET /responses/{id}": at(OWN, "/responses/r1"),
  "DELETE /v1/responses/{id}": at(CALL, "/v1/responses/r1"),
  "DELETE /responses/{id}": at(CALL, "/responses/r1"),
  "POST /engines/{model}/chat/completions": call("/engines/m/chat/completions"),
  "GET /v1/models": at(OWN, "/v1/models"),
  "GET /models": at(OWN, "/models"),

  ...ofCustomers("/customer"),
  ...ofCustomers("/end_user"),

  "GET /prices/resolved": at(READ, "/prices/resolved?model=m"),
  "GET /prices/missing": at(READ, "/prices/missing"),
  "POST /prices/reprice": {
    cells: WRITE,
    request: async () => ({ path: "/prices/reprice", body: { dry_run: true } }),
  },

  "POST /budget/new": {
    cells: WRITE,
    request: async (unique) => ({ path: "/budget/new", body: { budget_id: unique } }),
  },
  "POST /budget/update": ofNewBudget(WRITE, (id) => ({
    path: "/budget/update",
    body: { budget_id: id, max_budget: 1 },
  })),
  "POST /budget/delete": ofNewBudget(WRITE, (id) => ({ path: "/budget/delete", body: { id } })),
  "POST /budget/info": ofNewBudget(READ, (id) => ({
    path: "/budget/info",
    body: { budgets: [id] },
  })),
  "GET /budget/list": at(READ, "/budget/list"),
  "GET /budget/settings": ofNewBudget(READ, (id) => ({ path: `/budget/settings?budget_id=${id}` })),
  "PUT /budget/{id}": {
    cells: WRITE,
    request: async (unique) => ({
      path: `/budget/${encodeURIComponent(unique)}`,
      body: { max_budget: 1 },
    }),
  },

  "POST /key/generate": {
    cells: WRITE,
    request: async (unique) => ({ path: "/key/generate", body: { key_alias: unique } }),
  },
  "POST /key/update": ofNewKey("/key/update"),
  "POST /key/block": ofNewKey("/key/block"),
  "POST /key/unblock": ofNewKey("/key/unblock"),
  "POST /key/regenerate": ofNewKey("/key/regenerate"),
  "POST /key/{key}/regenerate": {
    cells: WRITE,
    request: async () => ({ path: `/key/${await keyWith({})}/regenerate` }),
  },
  "POST /key/delete": {
    cells: WRITE,
    request: async () => ({ path: "/key/delete", body: { keys: [await keyWith({})] } }),
  },
  "GET /key/list": at(READ, "/key/list?return_full_object=true"),
  // The master key has no row to tell of.
  "GET /key/info": at({ ...OWN, admin: 404 }, "/key/info"),
  "GET /key/info of another key": {
    cells: READ,
    request: async () => ({ path: `/key/info?key=${await keyWith({ user_id: VICTIM.customer })}` }),
  },
  "GET /key/info of a key that does not exist": at(
    { ...READ, viewer: 404, admin: 404 },
    "/key/info?key=sk-nobody",
  ),

  "GET /customer/daily/activity": at(READ, `/customer/daily/activity?${DAYS}`),
  "GET /end_user/daily/activity": at(READ, `/end_user/daily/activity?${DAYS}`),
  "GET /spend/logs": at(READ, "/spend/logs"),
  "GET /spend/logs/v2": at(READ, `/spend/logs/v2?${DAYS}`),
  "GET /spend/logs/ui": at(READ, `/spend/logs/ui?${DAYS}`),
  "GET /spend/export": at(READ, `/spend/export?${DAYS}`),
  "GET /spend/keys": at(READ, "/spend/keys"),
  "GET /global/spend": at(READ, "/global/spend"),
  "GET /global/all_end_users": at(READ, "/global/all_end_users"),
  "GET /global/spend/report": at(READ, `/global/spend/report?${DAYS}&group_by=customer`),
  "POST /global/spend/end_users": {
    cells: READ,
    request: async () => ({ path: "/global/spend/end_users", body: {} }),
  },
  // It tells prices and nothing of anybody's books.
  "POST /spend/calculate": {
    cells: OWN,
    request: async () => ({ path: "/spend/calculate", body: { model: "m", messages: [] } }),
  },

  "GET /webhooks/endpoints": at(READ, "/webhooks/endpoints"),
  "POST /webhooks/endpoints": {
    cells: WRITE,
    request: async () => ({ path: "/webhooks/endpoints", body: { url: upstream.origin } }),
  },
  "GET /webhooks/endpoints/{id}": ofNewEndpoint(READ, (path) => ({ path })),
  "PATCH /webhooks/endpoints/{id}": ofNewEndpoint(WRITE, (path) => ({ path, body: {} })),
  "DELETE /webhooks/endpoints/{id}": ofNewEndpoint(WRITE, (path) => ({ path })),
  "POST /webhooks/endpoints/{id}/rotate": ofNewEndpoint(WRITE, (path) => {
    return { path: `${path}/rotate`, body: {} };
  }),
  "POST /webhooks/endpoints/{id}/test": ofNewEndpoint(WRITE, (path) => ({ path: `${path}/test` })),
  "GET /webhooks/deliveries": at(READ, "/webhooks/deliveries"),
  "POST /webhooks/replay": {
    cells: WRITE,
    request: async () => ({
      path: "/webhooks/replay",
      body: { endpoint: "webhook", failed: true },
    }),
  },
  "GET /health/services": at(WRITE, "/health/services?service=webhook"),
  "GET /exports": at(READ, "/exports"),
  "POST /exports/{name}/retry": at(WRITE, "/exports/lago/retry"),

  "GET /health/liveliness": at(OPEN, "/health/liveliness"),
  "GET /health/liveness": at(OPEN, "/health/liveness"),
  "GET /health/readiness": at(OPEN, "/health/readiness"),
  "GET /metrics": at(OPEN, "/metrics"),
  "GET /openapi.json": at(OPEN, "/openapi.json"),
  "GET /docs": at(OPEN, "/docs"),
  "GET /docs/json": at(OPEN, "/docs/json"),
  "GET /docs/static/swagger-ui.css": at(OPEN, "/docs/static/swagger-ui.css"),
};

/** What the document does not speak of: itself, the page to read it, and other names of what it describes. */
const HIDDEN = [
  ...Object.keys(ofCustomers("/end_user")),
  "POST /chat/completions",
  "POST /openai/deployments/{model}/chat/completions",
  "POST /engines/{model}/chat/completions",
  "GET /models",
  "GET /responses/{id}",
  "DELETE /responses/{id}",
  "GET /end_user/daily/activity",
  "GET /spend/logs/ui",
  "GET /health/liveness",
  "GET /openapi.json",
  "GET /docs",
  "GET /docs/json",
  "GET /docs/static/swagger-ui.css",
];

test("every route of the running server is in the table, and the table has no other", async () => {
  const document = (await purser.get("/openapi.json")).body as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const listed = Object.keys(ROUTES).filter((name) => !name.includes(" of "));
  // The other calls of models go the same way as chat; one test below asks each of them.
  const others = new Set(CALL_ROUTES.slice(1).map(({ paths: [path = ""] }) => `POST ${path}`));
  const found = [...described, ...HIDDEN].filter((name) => !others.has(name));
  assert.deepEqual(found.toSorted(), listed.toSorted());
});

test("no call of any model is made for who may only read, or has no key that is good", async () => {
  const callers = CALLERS.filter((caller) => CALL[caller] !== "ok");
  const seen = upstream.received.length;
  for (const { paths } of CALL_ROUTES) {
    for (const path of paths) {
      const named = path.replace("{model}", "m");
      const body = {
        ...CHAT,
        input: "hi",
        prompt: "hi",
        query: "q",
        documents: ["d"],
        contents: [{}],
      };
      for (const caller of callers) {
        const reply = await send("POST", named, secrets[caller], body);
        // A route that the model's provider does not speak is told before who may ask for it.
        assert.ok(reply.status === 401 || reply.status === 400, `${named} ${caller} ${reply.text}`);
      }
    }
  }
  assert.equal(upstream.received.length, seen);
});

for (const [name, { cells, request }] of Object.entries(ROUTES)) {
  describe(name, () => {
    for (const [index, caller] of CALLERS.entries()) {
      test(`answers ${caller} with ${String(cells[caller])}`, async () => {
        const { path, body } = await request(`unique ${name} ${String(index)}`);
        const [method = ""] = name.split(" ");
        const reply = await send(method, path, secrets[caller], body);
        if (cells[caller] === "ok") {
          assert.ok(
            reply.status >= 200 && reply.status < 300,
            `${String(reply.status)} ${reply.text}`,
          );
        } else {
          assert.equal(reply.status, cells[caller], reply.text);
        }
        if (reply.status === 401) assertRefused(reply, caller);
        if (caller !== "viewer" && caller !== "admin") assertTellsOfNobody(reply);
        if (method !== "GET") return;
        const head = await send("HEAD", path, secrets[caller]);
        assert.equal(head.status, reply.status, "HEAD is answered like GET");
      });
    }
  });
}

test("who is refused a write has written nothing", async () => {
  const before = await purser.get("/key/list?size=100");
  for (const caller of CALLERS.filter((name) => name !== "admin")) {
    await send("POST", "/key/generate", secrets[caller], { key_alias: `by ${caller}` });
    await send("POST", "/key/delete", secrets[caller], { key_aliases: [VICTIM.alias] });
    await send("POST", "/customer/new", secrets[caller], { user_id: `by ${caller}` });
    const { status } = await purser.get(`/customer/info?end_user_id=by%20${caller}`);
    assert.equal(status, 404, caller);
  }
  assert.deepEqual((await purser.get("/key/list?size=100")).body, before.body);
});

test("a key is shown to itself, named by its secret, by its hash or not at all", async () => {
  for (const caller of ["inference key", "bound key"] as const) {
    const secret = secrets[caller] ?? assert.fail();
    const unnamed = await send("GET", "/key/info", secret);
    const { token } = unnamed.body.info;
    for (const name of [secret, token]) {
      const named = await send("GET", `/key/info?key=${name}`, secret);
      assert.deepEqual(named.body, { key: name, info: unnamed.body.info });
    }
  }
});

function at(cells: Cells, path: string): Route {
  return { cells, request: async () => ({ path }) };
}

function call(path: string): Route {
  return { cells: CALL, request: async () => ({ path, body: CHAT }) };
}

function ofCustomers(prefix: string): Readonly<Record<string, Route>> {
  const path = `${prefix}/${VICTIM.customer}`;
  return {
    [`POST ${prefix}/new`]: {
      cells: WRITE,
      request: async (unique) => ({ path: `${prefix}/new`, body: { user_id: unique } }),
    },
    [`GET ${prefix}/info`]: at(READ, `${prefix}/info?end_user_id=${VICTIM.customer}`),
    [`GET ${prefix}/list`]: at(READ, `${prefix}/list?limit=10`),
    [`GET ${prefix}/{id}/usage`]: at(READ, `${path}/usage`),
    [`POST ${prefix}/{id}/check`]: posted(READ, `${path}/check`, { model: "m", input_tokens: 1 }),
    [`POST ${prefix}/update`]: posted(WRITE, `${prefix}/update`, { user_id: VICTIM.customer }),
    [`PUT ${prefix}/{id}`]: posted(WRITE, path, {}),
    [`POST ${prefix}/bulk`]: posted(WRITE, `${prefix}/bulk`, { customers: [] }),
    [`POST ${prefix}/block`]: posted(WRITE, `${prefix}/block`, { user_ids: ["blocked"] }),
    [`POST ${prefix}/unblock`]: posted(WRITE, `${prefix}/unblock`, { user_ids: ["blocked"] }),
    [`POST ${prefix}/{id}/adjust`]: posted(WRITE, `${path}/adjust`, { amount: 0.01, reason: "x" }),
    [`POST ${prefix}/{id}/reset`]: posted(WRITE, `${path}/reset`, { reason: "x" }),
    [`POST ${prefix}/delete`]: {
      cells: WRITE,
      request: async (unique) => {
        await purser.post(`${prefix}/new`, { user_id: unique });
        return { path: `${prefix}/delete`, body: { user_ids: [unique] } };
      },
    },
  };
}

function posted(cells: Cells, path: string, body: object): Route {
  return { cells, request: async () => ({ path, body }) };
}

function ofNewBudget(
  cells: Cells,
  request: (id: string) => { readonly path: string; readonly body?: object },
): Route {
  return {
    cells,
    request: async () => {
      const { status, body, text } = await purser.post("/budget/new", { max_budget: 1 });
      assert.equal(status, 200, text);
      return request(body.budget_id);
    },
  };
}

function ofNewEndpoint(
  cells: Cells,
  request: (path: string) => { readonly path: string; readonly body?: object },
): Route {
  return {
    cells,
    request: async () => {
      const wish = { url: upstream.origin };
      const { status, body, text } = await purser.post("/webhooks/endpoints", wish);
      assert.equal(status, 200, text);
      return request(`/webhooks/endpoints/${body.id}`);
    },
  };
}

function ofNewKey(path: string): Route {
  return { cells: WRITE, request: async () => ({ path, body: { key: await keyWith({}) } }) };
}

async function keyWith(fields: object): Promise<string> {
  const { status, body, text } = await purser.post("/key/generate", fields);
  assert.equal(status, 200, text);
  return body.key;
}

/** LiteLLM's envelope. To whom has a good key it is said that the key is not enough, to others what is wrong with it. */
function assertRefused({ body, text }: Reply, caller: CallerName): void {
  // On one route LiteLLM has its other envelope for keys that are good.
  if (body.detail !== undefined) return assert.deepEqual(body, ADMIN_ONLY);
  const { message, ...rest } = body.error;
  assert.deepEqual(rest, { type: "auth_error", param: "None", code: "401" });
  assert.match(message, REASONS[caller], text);
}

const REASONS: Readonly<Record<CallerName, RegExp>> = {
  "no key": /^Authentication Error, No API key/,
  "unknown key": /^Authentication Error, Invalid API key/,
  "blocked key": /^Authentication Error, Key is blocked/,
  "expired key": /^Authentication Error, Expired Key/,
  "inference key":
    /^Authentication Error, Only proxy admin can .* Your role=inference\. Your user_id=None$/,
  "bound key":
    /^Authentication Error, Only proxy admin can .* Your role=inference\. Your user_id=None$/,
  viewer:
    /^Authentication Error, (?:Only proxy admin can .* Your role=viewer|Virtual key is not allowed)/,
  admin: /^never$/,
};

function assertTellsOfNobody({ text }: Reply): void {
  for (const name of Object.values(VICTIM)) assert.ok(!text.includes(name), text);
}

async function send(
  method: string,
  path: string,
  secret: string | null,
  body?: object,
): Promise<Reply> {
  const response = await fetch(purser.base + path, {
    method,
    headers: {
      ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const { status, headers } = response;
  const text = await response.text();
  const isJson = text !== "" && headers.get("content-type")?.includes("json") === true;
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
}
