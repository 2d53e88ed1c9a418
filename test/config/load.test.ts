/** Which source decides a setting, and what applies if none does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Webhook } from "standardwebhooks";
import {
  configOf,
  expectConfig,
  load,
  loadFrom,
  MASTER_KEY,
  MINIMAL,
  withGeneral,
} from "./source.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/config.yaml", import.meta.url));
const encoded = (bytes: number) => Buffer.alloc(bytes, 0xfb).toString("base64");
const SECRET = `whsec_${encoded(32)}`;

test("a file of a deployment and a key gets the defaults for all else", () => {
  const { deployments, ...config } = configOf(MINIMAL);
  assert.equal(deployments.length, 1);
  assert.deepEqual(config, {
    host: "127.0.0.1",
    port: 4000,
    logLevel: "info",
    masterKey: MASTER_KEY,
    database: { kind: "sqlite", file: "purser.db" },
    budgets: {
      defaultCustomerBudgetId: null,
      exceededStatus: 429,
      fallbackCustomerCap: null,
      newCustomers: { allowed: true, perMinuteMax: null },
      unsettledCharge: "input",
      hideAmounts: false,
      costInUsage: true,
    },
    customers: {
      headers: [],
      idCharsMax: 256,
      idPattern: null,
      idJsonPath: null,
      enforceUser: false,
      dropsUnknown: false,
      blocked: new Set(),
      upstreamUser: { mode: "pass" },
    },
    markup: { margins: {}, discountsPpm: {} },
    unpricedFallback: null,
    place: { zone: "UTC", resetTime: "00:00" },
    events: { webhook: null, slack: null, networksAllowed: [] },
    exports: [],
    deadlines: {
      headersMs: 300_000,
      idleMs: 120_000,
      callMs: 900_000,
      drainMs: null,
      shutdownMs: 30_000,
    },
    requestBytesMax: 33_554_432,
    routing: {
      retries: null,
      retryAfterMs: 500,
      failuresAllowed: 3,
      cooldownMs: 5_000,
      checksContext: false,
      fallbacks: { general: new Map(), context: new Map(), policy: new Map(), fallback: [] },
    },
    ignored: [],
    warnings: [],
  });
});

test("every setting of the file reaches the configuration", () => {
  const config = configOf({
    ...withGeneral({
      database_url: "postgres://u:p@h/db?sslmode=require",
      alerting: ["webhook"],
      budget_exceeded_status: 402,
      unsettled_charge: "ceiling",
      hide_amounts: true,
      request_bytes_max: 4096,
      headers_timeout: 0.5,
      idle_timeout: "7",
      call_timeout: 60,
      on_disconnect: "drain",
      drain_timeout: 2.5,
      shutdown_timeout: 1,
      log_level: "WARN",
    }),
    litellm_settings: {
      max_end_user_budget_id: "free",
      max_end_user_budget: 2.5,
      timezone: "Europe/Berlin",
      budget_reset_time: "06:30",
      include_cost_in_streaming_usage: false,
    },
    environment_variables: { WEBHOOK_URL: "https://h/hook/", WEBHOOK_SECRET: SECRET },
  });
  assert.deepEqual(config.database, {
    kind: "postgres",
    url: "postgres://u:p@h/db?sslmode=require",
  });
  assert.equal(config.events.webhook?.url, "https://h/hook/");
  assert.equal(config.events.webhook.secret, SECRET);
  assert.deepEqual(config.budgets, {
    defaultCustomerBudgetId: "free",
    exceededStatus: 402,
    fallbackCustomerCap: 2_500_000_000n,
    newCustomers: { allowed: true, perMinuteMax: null },
    unsettledCharge: "ceiling",
    hideAmounts: true,
    costInUsage: false,
  });
  assert.deepEqual(config.place, { zone: "Europe/Berlin", resetTime: "06:30" });
  assert.deepEqual(config.deadlines, {
    headersMs: 500,
    idleMs: 7000,
    callMs: 60_000,
    drainMs: 2500,
    shutdownMs: 1000,
  });
  assert.equal(config.requestBytesMax, 4096);
  assert.equal(config.logLevel, "warn");
});

test("flags set host and port", () => {
  const { host, port } = configOf(MINIMAL, { argv: { host: "::1", port: "0" } });
  assert.deepEqual([host, port], ["::1", 0]);
});

test("the file wins over the environment, and the environment over the default", () => {
  const env = { DATABASE_URL: "sqlite:env.db", PURSER_MASTER_KEY: "sk-env", LOG_LEVEL: "error" };
  const bare = { ...MINIMAL, general_settings: {} };
  const fromEnv = configOf(bare, { env });
  assert.deepEqual(fromEnv.database, { kind: "sqlite", file: "env.db" });
  assert.deepEqual([fromEnv.masterKey, fromEnv.logLevel], ["sk-env", "error"]);
  const file = withGeneral({ database_url: "sqlite:file.db", log_level: "debug" });
  const fromFile = configOf(file, { env });
  assert.deepEqual(fromFile.database, { kind: "sqlite", file: "file.db" });
  assert.deepEqual([fromFile.masterKey, fromFile.logLevel], [MASTER_KEY, "debug"]);
});

test("Purser's own name of the master key comes before LiteLLM's", () => {
  const bare = { ...MINIMAL, general_settings: {} };
  const both = { PURSER_MASTER_KEY: "sk-purser", LITELLM_MASTER_KEY: "sk-litellm" };
  assert.equal(configOf(bare, { env: both }).masterKey, "sk-purser");
  const empty = { ...both, PURSER_MASTER_KEY: "" };
  assert.equal(configOf(bare, { env: empty }).masterKey, "sk-litellm");
});

test("a value may be named by its variable, which the file itself may set", () => {
  const file = {
    ...withGeneral({ master_key: "os.environ/KEY", budget_exceeded_status: "os.environ/STATUS" }),
    environment_variables: { KEY: "os.environ/REAL_KEY", STATUS: 400 },
  };
  const { masterKey, budgets } = configOf(file, { env: { REAL_KEY: "sk-real", STATUS: "402" } });
  assert.deepEqual([masterKey, budgets.exceededStatus], ["sk-real", 400]);
});

test("databases are named by scheme", () => {
  const rows = [
    ["sqlite:data/x.db", { kind: "sqlite", file: "data/x.db" }],
    ["sqlite:/var/x.db", { kind: "sqlite", file: "/var/x.db" }],
    ["sqlite:///var/x.db", { kind: "sqlite", file: "/var/x.db" }],
    ["SQLite:x.db", { kind: "sqlite", file: "x.db" }],
    ["postgresql://h/db", { kind: "postgres", url: "postgresql://h/db" }],
    ["postgres://u:p@a:1,b:2/db", { kind: "postgres", url: "postgres://u:p@a:1,b:2/db" }],
  ] as const;
  for (const [database_url, database] of rows) {
    assert.deepEqual(configOf(withGeneral({ database_url })).database, database);
  }
});

test("a database in memory is warned of", () => {
  const { warnings } = configOf(withGeneral({ database_url: "sqlite::memory:" }));
  assert.match(warnings.join(), /lost when Purser stops/);
});

test("the webhook needs its address, and the address needs the webhook", () => {
  const loaded = load(withGeneral({ alerting: ["webhook"] }));
  assert.deepEqual(loaded.ok ? [] : loaded.mistakes, [
    {
      path: "WEBHOOK_URL",
      problem: "is missing",
      cure: 'set it, or remove "webhook" from general_settings.alerting',
    },
  ]);
  const env = { WEBHOOK_URL: "http://h/hook" };
  const silent = configOf(MINIMAL, { env });
  assert.equal(silent.events.webhook, null);
  assert.deepEqual(silent.warnings, [
    'WEBHOOK_URL: has no effect without alerting: ["webhook"] in general_settings',
  ]);
  const { webhook } = configOf(withGeneral({ alerting: ["webhook"] }), { env }).events;
  assert.deepEqual([webhook?.url, webhook?.secret], ["http://h/hook", null]);
});

test("Slack needs its address too, and gets the events of budgets only", () => {
  const general = withGeneral({ alerting: ["slack"] });
  assert.equal(load(general).ok, false);
  const { slack, webhook } = configOf(general, { env: { SLACK_WEBHOOK_URL: "http://s" } }).events;
  assert.equal(webhook, null);
  assert.equal(slack?.url, "http://s");
  assert.ok(slack.types.every((type) => type.startsWith("budget.")));
});

test("channels that nothing is sent to are ignored and warned of", () => {
  const { ignored, warnings } = configOf(withGeneral({ alerting: ["pagerduty", "email"] }));
  assert.deepEqual(
    ignored.map(({ reason }) => reason),
    ["pagerduty", "email"].map(
      (channel) => `nothing is sent to "${channel}", only to "webhook" and "slack"`,
    ),
  );
  assert.equal(warnings.length, 2);
});

test("alert_types leaves budget alerts out as LiteLLM does, and everything else by its own name", () => {
  const all = ["threshold_reached", "soft_crossed", "crossed", "projected_exceeded"];
  const budgets = all.map((name) => `budget.${name}`);
  const spend = "customer.spend_tracked";
  const rows: readonly (readonly [string[] | null, string[]])[] = [
    [null, [spend, ...budgets]],
    [[], [spend]],
    [["llm_exceptions"], [spend]],
    [["budget_alerts"], [spend, ...budgets]],
    [["budget.crossed"], ["budget.crossed"]],
    [["customer.spend_tracked"], [spend]],
  ];
  for (const [types, expected] of rows) {
    const given = types === null ? {} : { alert_types: types };
    const general = withGeneral({ alerting: ["webhook"], ...given });
    const { webhook } = configOf(general, { env: { WEBHOOK_URL: "http://h" } }).events;
    assert.deepEqual(webhook?.types, expected, String(types));
  }
});

test("every secret that is accepted can sign, and no other is accepted", () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ...[24, 25, 26, 64].map((bytes) => [`whsec_${encoded(bytes)}`, true] as const),
    [encoded(32), true],
    [`whsec_${encoded(23)}`, false],
    [`whsec_${encoded(65)}`, false],
    ["whsec_", false],
    ["whsec_not base64 at all, but long enough to be", false],
    [`whsec_${encoded(32).replaceAll("+", "-")}`, false],
  ];
  for (const [WEBHOOK_SECRET, accepted] of rows) {
    const env = { WEBHOOK_URL: "http://h", WEBHOOK_SECRET };
    assert.equal(
      load(withGeneral({ alerting: ["webhook"] }), { env }).ok,
      accepted,
      WEBHOOK_SECRET,
    );
    if (accepted) assert.ok(new Webhook(WEBHOOK_SECRET).sign("id", new Date(0), "{}"));
  }
});

test("without a file there is a demonstration on the loopback", () => {
  const config = expectConfig(loadFrom(null));
  assert.deepEqual([config.host, config.port, config.masterKey], ["127.0.0.1", 4000, "sk-1234"]);
  assert.deepEqual(config.database, { kind: "sqlite", file: "purser.db" });
  assert.deepEqual(
    config.deployments.map(({ modelName, provider }) => `${provider} ${modelName}`),
    ["fake azure-gpt-3.5", "fake mistral", "fake fake-gpt"],
  );
  for (const { prices } of config.deployments) {
    const { input = 0n, output = 0n } = prices[0]?.rates ?? {};
    assert.ok(input > 0n && output > input);
  }
  assert.deepEqual([config.ignored, config.warnings], [[], []]);
});

test("the environment decides about the demonstration too", () => {
  const env = {
    LITELLM_MASTER_KEY: "sk-mine",
    DATABASE_URL: "sqlite:mine.db",
    WEBHOOK_URL: "http://h/hook",
  };
  const config = expectConfig(loadFrom(null, { env }));
  assert.equal(config.masterKey, "sk-mine");
  assert.deepEqual(config.database, { kind: "sqlite", file: "mine.db" });
  assert.equal(config.events.webhook?.url, "http://h/hook");
  assert.equal(config.events.webhook.secret, null);
});

test("the master key of the examples is warned of where others can reach it", () => {
  const argv = { host: "0.0.0.0", port: null };
  const open = configOf(withGeneral({ master_key: "sk-1234" }), { argv });
  assert.match(open.warnings.join(), /0\.0\.0\.0 knows the master key/);
  assert.deepEqual(configOf(withGeneral({ master_key: "sk-1234" })).warnings, []);
  assert.deepEqual(configOf(MINIMAL, { argv }).warnings, []);
});

test("nobody can change the configuration", () => {
  const config = configOf(withGeneral({ proxy_batch_write_at: 10 }));
  assert.ok(isFrozen(config));
});

test("anchors and merge keys work as in LiteLLM's files", () => {
  const { deployments } = configOf(`
model_list:
  - {model_name: a, litellm_params: &house {model: openai/a, api_base: "http://127.0.0.1:8000/v1"}}
  - {model_name: b, litellm_params: {<<: *house, model: openai/b}}
general_settings: {master_key: sk-test}
`);
  assert.deepEqual(
    deployments.map(({ model, apiBase }) => `${model} ${apiBase}`),
    ["a http://127.0.0.1:8000/v1", "b http://127.0.0.1:8000/v1"],
  );
});

test("the example works as it is, and with every line that is commented out", () => {
  expectConfig(loadFrom(EXAMPLE));
  const whole = readFileSync(EXAMPLE, "utf8").replaceAll(/^#(?= {2})/gm, "");
  const keys = { OPENAI_API_KEY: "k", AZURE_API_KEY: "k", STRIPE_API_KEY: "k" };
  const env = { ...keys, WEBHOOK_URL: "http://h", SLACK_WEBHOOK_URL: "http://s" };
  const config = configOf(whole, { env });
  assert.equal(config.deployments.length, 4);
  assert.equal(config.budgets.defaultCustomerBudgetId, "free-tier");
  assert.notEqual(config.events.webhook, null);
  assert.equal(config.exports.length, 1);
  assert.deepEqual([config.warnings, config.ignored], [[], []]);
});

/** All the way down. */
function isFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

test("fallbacks of a model that nobody can ask for are warned of, with the name that was meant", () => {
  assert.deepEqual(warningsOfFallbacks([{ m: ["m"] }]), []);
  assert.deepEqual(warningsOfFallbacks([{ mm: ["m"] }]), [
    'router_settings.fallbacks: "mm" is not the model_name of a deployment, so these are never used; did you mean "m"?',
  ]);
  assert.match(
    warningsOfFallbacks([{ "*": ["m"] }]).join(),
    /write default_fallbacks for all models/,
  );
});

function warningsOfFallbacks(fallbacks: unknown): readonly string[] {
  return configOf({ ...MINIMAL, router_settings: { fallbacks } }).warnings;
}
