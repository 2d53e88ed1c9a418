/** A whole Purser in this process, on a real socket and a real database, with ways to talk to it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { loadConfig } from "../../src/config/load.ts";
import { formatMistakes } from "../../src/config/mistake.ts";
import { startPurser } from "../../src/purser.ts";

export const MASTER_KEY = "sk-1234";

export interface TestPurser {
  readonly base: string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** One call of this customer on model `m`. */
  chat(customer: string, more?: Record<string, unknown>): Promise<Reply>;
  info(customer: string): Promise<CustomerInfo>;
  stop(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: any_;
}

/** Parsed JSON, looked into freely by assertions. */
// oxlint-disable-next-line typescript/no-explicit-any
type any_ = any;

export interface CustomerInfo {
  readonly user_id: string;
  readonly spend: number;
  readonly blocked: boolean;
  readonly litellm_budget_table: { readonly max_budget: number } | null;
}

export interface PurserOptions {
  readonly database: string;
  readonly upstream: string;
  readonly general?: Record<string, unknown>;
  readonly litellm?: Record<string, unknown>;
  readonly router?: Record<string, unknown>;
  readonly models?: readonly unknown[];
  readonly env?: Record<string, string>;
}

/** The configuration of most tests: model `m` at 0.001 and 0.002 a token. */
export function configOf({
  database,
  upstream,
  general,
  litellm,
  router,
  models,
}: PurserOptions): unknown {
  return {
    model_list: models ?? [pricedModel("m", upstream)],
    general_settings: {
      master_key: MASTER_KEY,
      database_url: database,
      log_level: "silent",
      ...general,
    },
    litellm_settings: litellm ?? {},
    router_settings: router ?? {},
  };
}

export function pricedModel(name: string, upstream: string, info: object = {}): unknown {
  return modelAt(name, `openai/${name}`, `${upstream}/v1`, info);
}

/** `model` with the prefix of its provider, whose API is at `base`. */
export function modelAt(name: string, model: string, base: string, info: object = {}): unknown {
  return {
    model_name: name,
    litellm_params: { model, api_base: base, api_key: "sk-upstream" },
    model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002, ...info },
  };
}

export async function startTestPurser(options: PurserOptions): Promise<TestPurser> {
  const folder = mkdtempSync(join(tmpdir(), "purser-test-"));
  const file = join(folder, "config.yaml");
  writeFileSync(file, stringify(configOf(options)));
  const argv = { port: "0", host: "127.0.0.1" };
  const loaded = loadConfig({ file, env: options.env ?? {}, argv });
  rmSync(folder, { recursive: true });
  if (!loaded.ok) throw new Error(formatMistakes(loaded.mistakes));
  const purser = await startPurser(loaded.config, { demo: false, print: () => undefined });
  const base = `http://127.0.0.1:${String(purser.port)}`;
  return { ...client(base), stop: () => purser.stop() };
}

/** Stopped when the body has ended, however that was. */
export async function withPurser(
  options: PurserOptions,
  body: (purser: TestPurser) => Promise<void>,
): Promise<void> {
  const purser = await startTestPurser(options);
  try {
    await body(purser);
  } finally {
    await purser.stop();
  }
}

/** Talks to any Purser, in this process or another. */
export function client(base: string): Omit<TestPurser, "stop"> {
  const authorization = `Bearer ${MASTER_KEY}`;
  const get = (path: string, headers = {}) =>
    request(base + path, { headers: { authorization, ...headers } });
  const send = (method: string, path: string, body: unknown, headers = {}) =>
    request(base + path, {
      method,
      headers: { authorization, "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const post = (path: string, body: unknown, headers = {}) => send("POST", path, body, headers);
  return {
    base,
    get,
    post,
    put: (path, body, headers) => send("PUT", path, body, headers),
    chat: (user, more = {}) =>
      post("/v1/chat/completions", { model: "m", user, max_tokens: 20, messages: [HI], ...more }),
    info: async (id) => (await get(`/customer/info?end_user_id=${encodeURIComponent(id)}`)).body,
  };
}

const HI = { role: "user", content: "hi" };

async function request(url: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
