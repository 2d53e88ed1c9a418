/** The OpenAPI document is valid, complete and true, and its page needs nothing from elsewhere. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import chromium from "@sparticuz/chromium";
import type { RouteOptions } from "fastify";
import { chromium as playwright } from "playwright-core";
import { Compile } from "typebox/compile";
import type { Admin } from "../../src/admin/admin.ts";
import { healthRoutes, type Health } from "../../src/admin/health.ts";
import { adminRoutes } from "../../src/admin/routes.ts";
import { checkRoutes } from "../../src/gateway/check.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { callRoutes } from "../../src/gateway/serve.ts";
import { HIDDEN } from "../../src/http/openapi.ts";
import { createServer, type Routes } from "../../src/http/server.ts";
import { createLog } from "../../src/platform/log.ts";
import { sqliteFile } from "../support/databases.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema: object }>>;

interface Document {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let upstream: Upstream;
let purser: TestPurser;
let document: Document;

before(async () => {
  upstream = await startUpstream();
  purser = await startTestPurser({ database: sqliteFile(), upstream: upstream.origin });
  document = (await purser.get("/openapi.json")).body as Document;
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...structuredClone(document) });
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.equal(validator.version, "3.1");
});

test("every route that is served is described, or hidden by name", async () => {
  const served = await servedRoutes();
  assert.ok(served.length > 15);
  const missing = served
    .filter(({ url }) => !HIDDEN.some((pattern) => pattern.test(url)))
    .filter(({ schema }) => !(schema?.tags?.includes("inference") === true && schema.hide === true))
    .map(({ method, url }) => [String(method).toLowerCase(), pathOf(url)] as const)
    .filter(([method, path]) => document.paths[path]?.[method] === undefined);
  assert.deepEqual(missing, []);
});

test("every hidden name of an inference route stands for one that is described", async () => {
  const hidden = (await served("inference")).filter(({ schema }) => schema?.hide === true);
  assert.ok(hidden.length > 0);
  const described = new Set(Object.keys(document.paths));
  for (const { url } of hidden) {
    const bare = url.replace(
      /^\/(?:(?:openai\/deployments|engines)\/:model|openai(?=\/v1)|anthropic)/,
      "",
    );
    const version = url.includes("::") ? "/v1beta" : "/v1";
    const name = pathOf(version + bare.replace(/^\/v[12]/, ""));
    assert.ok(described.has(name), `${url} is ${name}`);
  }
});

test("every operation says what it is, under a tag that is explained, and what it answers", () => {
  const known = document.tags.map(({ name }) => name);
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  for (const { name, operation } of operations()) {
    assert.ok(operation.summary, name);
    assert.equal(operation.tags?.length, 1, name);
    assert.ok(known.includes(operation.tags[0] ?? ""), `${name}: ${String(operation.tags[0])}`);
    assert.ok(operation.responses["200"], name);
    const isOpen = operation.tags[0] === "health";
    assert.equal(operation.responses["401"] === undefined, isOpen, name);
    assert.deepEqual(operation.security, isOpen ? [] : undefined, name);
    const placed = (operation.parameters ?? []).filter((one) => one.in === "path");
    assert.equal(placed.length, name.match(/\{/g)?.length ?? 0, name);
  }
});

test("what the reports answer is what the document says that they do", async () => {
  await purser.post("/customer/new", { user_id: "truth", alias: "Acme" });
  await purser.chat("truth");
  const day = new Date().toISOString().slice(0, 10);
  const range = `start_date=${day}&end_date=${day}`;
  const asked = [
    ["/customer/daily/activity", range],
    ["/spend/logs", range],
    ["/spend/logs", "end_user=truth"],
    ["/spend/logs/v2", range],
    ["/spend/keys", ""],
    ["/global/spend", ""],
    ["/global/all_end_users", ""],
    ["/global/spend/report", `${range}&group_by=customer`],
    ["/global/spend/report", `${range}&group_by=api_key`],
  ] as const;
  for (const [path, query] of asked) {
    const { status, body } = await purser.get(`${path}?${query}`);
    assert.equal(status, 200, path);
    assertDescribed(path, "get", body);
  }
  const dearest = await purser.post("/global/spend/end_users", {});
  assertDescribed("/global/spend/end_users", "post", dearest.body);
});

test("the page shows the document in a browser that reaches nothing but Purser", async () => {
  const browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args,
  });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("requestfailed", (request) => faults.push(request.url()));
    await page.route(
      (url) => url.origin !== purser.base && url.protocol !== "data:",
      async (route) => {
        faults.push(`asked for ${route.request().url()}`);
        await route.abort();
      },
    );
    await page.goto(`${purser.base}/docs`);
    assert.equal(await page.title(), "Purser");
    await page.getByText("What customers used and were charged, day by day").click();
    await page.getByText("Days are UTC unless").first().waitFor();
    const shown = await page.locator(".opblock").count();
    assert.equal(shown, operations().length);
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
});

function operations(): { readonly name: string; readonly operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation,
    })),
  );
}

function assertDescribed(path: string, method: string, body: unknown): void {
  const content = document.paths[path]?.[method]?.responses["200"]?.content;
  const schema = content?.["application/json"]?.schema ?? assert.fail(`${path} has no schema`);
  const validator = Compile(schema);
  assert.ok(validator.Check(body), `${path}: ${JSON.stringify(validator.Errors(body))}`);
}

async function served(tag: string): Promise<RouteOptions[]> {
  return (await servedRoutes()).filter(({ schema }) => schema?.tags?.includes(tag));
}

/** As they are registered; their parts are needed only by requests, of which there is none. */
async function servedRoutes(): Promise<RouteOptions[]> {
  const routes: RouteOptions[] = [];
  const gateway = { keyRing: {} } as Gateway;
  const noted = (scope: Routes): Routes => {
    return (app) => {
      app.addHook("onRoute", (route) => {
        routes.push(route);
      });
      scope(app);
    };
  };
  const app = await createServer({ requestBytesMax: 1, log: createLog("silent") }, [
    noted((scope) => callRoutes(scope, gateway)),
    noted((scope) => checkRoutes(scope, gateway)),
    noted((scope) => adminRoutes(scope, {} as Admin)),
    noted((scope) => healthRoutes(scope, {} as Health)),
  ]);
  await app.ready();
  await app.close();
  return routes.filter(({ method }) => method !== "HEAD");
}

/** In the document's words: `/customer/:id` → `/customer/{id}`, and two colons are one. */
function pathOf(url: string): string {
  return url.replaceAll(/(?<!:):(\w+)(?:\([^)]*\))?/g, "{$1}").replaceAll("::", ":");
}
