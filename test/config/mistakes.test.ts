/** Every kind of mistake is told by its path, with what is wrong and the cure. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMistakes } from "../../src/config/mistake.ts";
import { KNOWN_PROVIDERS } from "../../src/config/providers.ts";
import {
  load,
  loadFrom,
  MINIMAL,
  mistakesOf,
  SERVICE_ACCOUNT,
  withFile,
  withGeneral,
  withParams,
} from "./source.ts";

const PROVIDERS = Object.keys(KNOWN_PROVIDERS).join(", ");

/** A document, and the one mistake that it must be answered with. */
type Row = readonly [document: unknown, path: string, problem: string, cure: string];

function wrongCredentials(given: Readonly<Record<string, unknown>>): readonly Row[] {
  return Object.entries(given).map(([problem, value]) => {
    const vertex_credentials = typeof value === "string" ? value : JSON.stringify(value);
    return [
      withParams({ model: "vertex_ai/m", vertex_project: "p", vertex_credentials }),
      "model_list[0].litellm_params.vertex_credentials",
      problem,
      "give the path of the JSON file that Google's console gave you, or its text",
    ];
  });
}

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  "keys that nobody knows": [
    [{ ...MINIMAL, modle_list: [] }, "modle_list", "unknown key", 'did you mean "model_list"?'],
    [
      { ...MINIMAL, xyzzy: 1 },
      "xyzzy",
      "unknown key",
      "remove it; docs/configuration.md lists every key",
    ],
    [
      withGeneral({ alertng: ["webhook"] }),
      "general_settings.alertng",
      "unknown key",
      'did you mean "alerting"?',
    ],
    [
      withGeneral({ max_end_user_budget_id: "x" }),
      "general_settings.max_end_user_budget_id",
      "unknown key",
      "it belongs in litellm_settings",
    ],
    [
      { ...MINIMAL, master_key: "sk-1" },
      "master_key",
      "unknown key",
      "it belongs in general_settings",
    ],
    [
      withParams({ model: "fake/m", api_bsae: "http://h" }),
      "model_list[0].litellm_params.api_bsae",
      "unknown key",
      'did you mean "api_base"?',
    ],
    [
      withGeneral({ "odd key\n": 1 }),
      'general_settings."odd key\\n"',
      "unknown key",
      "remove it; docs/configuration.md lists every key",
    ],
  ],
  "keys that are missing": [
    [
      { general_settings: MINIMAL.general_settings },
      "model_list",
      "is missing",
      "add it with at least one deployment",
    ],
    [{ ...MINIMAL, model_list: [] }, "model_list", "is empty", "add at least one deployment"],
    [
      { model_list: MINIMAL.model_list },
      "general_settings.master_key",
      "is missing",
      "add it, or set PURSER_MASTER_KEY",
    ],
    [
      { ...MINIMAL, model_list: [{ litellm_params: { model: "fake/m" } }] },
      "model_list[0].model_name",
      "is missing",
      "add the name that clients ask for",
    ],
    [
      { ...MINIMAL, model_list: [{ model_name: "m" }] },
      "model_list[0].litellm_params",
      "is missing",
      "add it with model: <provider>/<model>",
    ],
    [
      withParams({ api_base: "http://h" }),
      "model_list[0].litellm_params.model",
      "is missing",
      "add model: <provider>/<model>",
    ],
  ],
  "values of another kind": [
    [
      { ...MINIMAL, model_list: { a: 1 } },
      "model_list",
      "the mapping is not a list",
      "write it as [a, b] or as lines with dashes",
    ],
    [
      { ...MINIMAL, model_list: ["gpt"] },
      "model_list[0]",
      '"gpt" is not a mapping',
      "write its keys below it, indented",
    ],
    [
      { ...MINIMAL, litellm_settings: [1] },
      "litellm_settings",
      "the list is not a mapping",
      "write its keys below it, indented",
    ],
    [
      withGeneral({ master_key: 1234 }),
      "general_settings.master_key",
      "is not a text",
      "put it in quotes",
    ],
    [
      withGeneral({ database_url: "" }),
      "general_settings.database_url",
      "is empty",
      "give it a value or remove it",
    ],
    [
      withGeneral({ alerting: "webhook" }),
      "general_settings.alerting",
      '"webhook" is not a list',
      "write it as [a, b] or as lines with dashes",
    ],
    [
      { ...MINIMAL, environment_variables: { A: ["b"] } },
      "environment_variables.A",
      "is not a text",
      "put it in quotes",
    ],
  ],
  "values out of bounds": [
    [
      withGeneral({ budget_exceeded_status: 403 }),
      "general_settings.budget_exceeded_status",
      "403 is not one of 400, 402, 422, 429",
      "write one of them",
    ],
    [
      withGeneral({ unsettled_charge: "inputs" }),
      "general_settings.unsettled_charge",
      '"inputs" is not one of waive, input, ceiling',
      'did you mean "input"?',
    ],
    [
      withGeneral({ headers_timeout: "5m" }),
      "general_settings.headers_timeout",
      '"5m" is not a number of seconds from 0.001 to 86400',
      "write for example 300",
    ],
    [
      withGeneral({ idle_timeout: 0 }),
      "general_settings.idle_timeout",
      "0 is not a number of seconds from 0.001 to 86400",
      "write for example 120",
    ],
    [
      withGeneral({ request_bytes_max: 1e6 + 0.5 }),
      "general_settings.request_bytes_max",
      "1000000.5 is not a whole number of bytes from 1024 to 268435456",
      "write for example 33554432",
    ],
    [
      withGeneral({ log_level: "verbose" }),
      "general_settings.log_level",
      '"verbose" is not one of silent, fatal, error, warn, info, debug, trace',
      "write one of them",
    ],
    [
      withGeneral({ alerting: ["webhok"] }),
      "general_settings.alerting",
      'the list holds "webhok", which is not one of webhook, slack, email, pagerduty',
      'did you mean "webhook"?',
    ],
    [
      { ...MINIMAL, litellm_settings: { timezone: "Mars/Olympus" } },
      "litellm_settings.timezone",
      '"Mars/Olympus" is not a time zone',
      "write its IANA name, for example Europe/Berlin",
    ],
    [
      { ...MINIMAL, litellm_settings: { budget_reset_time: "25:00" } },
      "litellm_settings.budget_reset_time",
      '"25:00" is not a time of day',
      'write for example "06:30", in quotes',
    ],
  ],
  "master keys and databases": [
    [
      withGeneral({ master_key: "hunter2" }),
      "general_settings.master_key",
      'does not begin with "sk-"',
      'write "sk-" and a long secret',
    ],
    [
      withGeneral({ master_key: "sk-line\n" }),
      "general_settings.master_key",
      "has spaces, line ends or letters beyond ASCII",
      "take them out",
    ],
    [
      withGeneral({ database_url: "mysql://root:secret@h/db" }),
      "general_settings.database_url",
      'unknown scheme "mysql:"',
      "use postgres: or sqlite:",
    ],
    [
      withGeneral({ database_url: "purser.db" }),
      "general_settings.database_url",
      "has no scheme",
      "use postgres: or sqlite:",
    ],
    [
      withGeneral({ database_url: "sqlite:" }),
      "general_settings.database_url",
      "names no file",
      "write sqlite:purser.db",
    ],
    [
      withGeneral({ database_url: "postgres:db" }),
      "general_settings.database_url",
      "is not a PostgreSQL address",
      "write postgres://user:password@host:5432/name",
    ],
    [
      withGeneral({ database_url: "postgres://h/db?schema=public&connection_limit=9" }),
      "general_settings.database_url",
      "has parameters of Prisma: connection_limit, schema",
      "take them out of the address",
    ],
  ],
  clouds: [
    [
      withParams({ model: "bedrock/m", api_key: "k" }),
      "model_list[0].litellm_params.aws_region_name",
      "is missing",
      "add it, or set AWS_REGION_NAME",
    ],
    [
      withParams({ model: "bedrock/m", aws_region_name: "r", aws_access_key_id: "AKIA" }),
      "model_list[0].litellm_params.aws_secret_access_key",
      "is missing",
      "add it, or set AWS_SECRET_ACCESS_KEY; or give a Bedrock key as api_key",
    ],
    [
      withParams({ model: "bedrock/agent/a/b", api_key: "k", aws_region_name: "r" }),
      "model_list[0].litellm_params.model",
      '"bedrock/agent/a/b" is of a part of Bedrock that Purser does not speak to',
      "write bedrock/<model>, bedrock/converse/<model> or bedrock/<region>/<model>",
    ],
    [
      withParams({ model: "vertex_ai/m" }),
      "model_list[0].litellm_params.vertex_project",
      "is missing",
      "add it, or set VERTEXAI_PROJECT",
    ],
    [
      withParams({ model: "vertex_ai/meta/llama-3", vertex_project: "p" }),
      "model_list[0].litellm_params.model",
      '"vertex_ai/meta/llama-3" is of a publisher on Vertex AI that Purser does not speak to',
      "write openai/meta/llama-3 and the api_base of Vertex AI's OpenAI endpoint",
    ],
    ...wrongCredentials({
      "names a file that cannot be read": "/nowhere/account.json",
      "is not JSON": "{",
      "has no client_email": { ...SERVICE_ACCOUNT, client_email: "" },
      "has no private_key that can be read": { ...SERVICE_ACCOUNT, private_key: "secret" },
      "has a token_uri that is no address": { ...SERVICE_ACCOUNT, token_uri: "nowhere" },
    }),
  ],
  "models, providers and prices": [
    [
      withParams({ model: "openia/gpt-4o" }),
      "model_list[0].litellm_params.model",
      '"openia/gpt-4o" is of an unknown provider "openia"',
      `did you mean "openai"? known are ${PROVIDERS}; for any other host write openai/<model> and api_base`,
    ],
    [
      withParams({ model: "watsonx/granite", api_base: "http://h" }),
      "model_list[0].litellm_params.model",
      '"watsonx/granite" is of the provider "watsonx", which Purser does not speak to yet',
      "remove the entry, or reach the model through a provider of the OpenAI dialect",
    ],
    [
      withParams({ model: "openai/" }),
      "model_list[0].litellm_params.model",
      '"openai/" names no model',
      "write openai/<model>",
    ],
    [
      withParams({ model: "openai/*" }),
      "model_list[0].litellm_params.model",
      '"openai/*" is a wildcard, which is not supported yet',
      "write one entry for each model",
    ],
    [
      withParams({ model: "openai/gpt-4o" }),
      "model_list[0].litellm_params.api_key",
      "is missing",
      "add it, or set OPENAI_API_KEY",
    ],
    [
      withParams({ model: "azure/d", api_key: "k" }),
      "model_list[0].litellm_params.api_base",
      "is missing",
      "add it, or set AZURE_API_BASE",
    ],
    [
      withParams({ model: "azure/d", api_base: "http://h" }),
      "model_list[0].litellm_params.api_key",
      "is missing",
      "add it, or set AZURE_API_KEY",
    ],
    [
      withParams({ model: "openai/m", api_base: "host:8000" }),
      "model_list[0].litellm_params.api_base",
      '"host:8000" is not an http or https address',
      "write for example https://host.example/v1",
    ],
    [
      withParams({ model: "fake/m" }, { input_cost_per_token: -0.1 }),
      "model_list[0].model_info.input_cost_per_token",
      "-0.1 is negative",
      "write 0 for what is free",
    ],
    [
      withParams({ model: "fake/m", output_cost_per_token: "$2" }),
      "model_list[0].litellm_params.output_cost_per_token",
      '"$2" is not a decimal number of dollars',
      "write for example 0.0000015",
    ],
    [
      withParams({ model: "fake/m" }, { input_cost_per_token: 1e-13 }),
      "model_list[0].model_info.input_cost_per_token",
      "1e-13 is less than a trillionth of a dollar",
      "write 0 for what is free",
    ],
    [
      withParams({ model: "fake/m" }, { max_output_tokens: "many" }),
      "model_list[0].model_info.max_output_tokens",
      '"many" is not a whole number from 1 to 1000000000',
      "write for example 4096",
    ],
  ],
  "variables that values name": [
    [
      withGeneral({ database_url: "os.environ/NOWHERE" }),
      "general_settings.database_url",
      "names a variable that is not set",
      "set NOWHERE",
    ],
    [
      withParams({ model: "openai/m", api_base: "http://os.environ/HOST/v1" }),
      "model_list[0].litellm_params.api_base",
      '"http://os.environ/HOST/v1" names a variable in its middle',
      "write os.environ/NAME and no more",
    ],
    [
      withGeneral({ alerting: ["os.environ/CHANNEL"] }),
      "general_settings.alerting",
      "the list names a variable that is not set",
      "set CHANNEL",
    ],
    [
      { ...MINIMAL, environment_variables: { A: "os.environ/B" } },
      "environment_variables.A",
      "names a variable that is not set",
      "set B",
    ],
  ],
};

for (const [kind, rows] of Object.entries(ROWS)) {
  test(`${kind} are told with their cure`, () => {
    for (const [document, path, problem, cure] of rows) {
      assert.deepEqual(mistakesOf(document), [{ path, problem, cure }]);
    }
  });
}

test("two deployments cannot have one id", () => {
  const entry = { ...MINIMAL.model_list[0], model_info: { id: 7 } };
  assert.deepEqual(
    linesOf({ ...MINIMAL, model_list: [entry, { ...entry, model_info: { id: "7" } }] }),
    [
      'model_list[1].model_info.id   "7" is the id of another deployment; give each its own, or none',
    ],
  );
});

test("a mistake in the environment or in a flag is told by its name", () => {
  const env = { DATABASE_URL: "mysql://h/db", LOG_LEVEL: "loud" };
  const argv = { host: null, port: "http" };
  assert.deepEqual(
    linesOf({ ...MINIMAL, general_settings: MINIMAL.general_settings }, { env, argv }),
    [
      'DATABASE_URL   unknown scheme "mysql:"; use postgres: or sqlite:',
      '--port   "http" is not a port from 0 to 65535; write for example 4000',
      'LOG_LEVEL   "loud" is not one of silent, fatal, error, warn, info, debug, trace; write one of them',
    ],
  );
});

test("a variable that the file overrules may hold anything", () => {
  const env = { DATABASE_URL: "mysql://h/db", LOG_LEVEL: "loud", PURSER_MASTER_KEY: "x" };
  assert.deepEqual(
    linesOf(withGeneral({ database_url: "sqlite:x.db", log_level: "warn" }), { env }),
    [],
  );
});

test("a variable that is a mistake for many deployments is one mistake", () => {
  const entry = { model_name: "m", litellm_params: { model: "mistral/m" } };
  const env = { MISTRAL_API_KEY: "two words" };
  assert.deepEqual(
    mistakesOf({ ...MINIMAL, model_list: [entry, entry] }, { env }).filter(
      ({ path }) => path === "MISTRAL_API_KEY",
    ).length,
    1,
  );
});

test("all mistakes are told at once, in two columns", () => {
  const mistakes = mistakesOf({
    ...withGeneral({ alertng: [], database_url: "mysql:x" }),
    router_settings: { routing_strategi: "x" },
  });
  assert.equal(
    formatMistakes(mistakes),
    [
      "config: 3 mistakes",
      '  general_settings.alertng           unknown key; did you mean "alerting"?',
      '  general_settings.database_url      unknown scheme "mysql:"; use postgres: or sqlite:',
      '  router_settings.routing_strategi   unknown key; did you mean "routing_strategy"?',
    ].join("\n"),
  );
  assert.match(formatMistakes(mistakes.slice(0, 1)), /^config: 1 mistake\n/);
});

test("errors of YAML are told with their line", () => {
  const rows = [
    ["a: 1\nb: [1,\n", 3, /must be sufficiently indented/],
    ["a: 1\na: 2\n", 2, /unique; keep one of the two/],
    ["a:\n\tb: 1\n", 2, /Tabs .*; indent with spaces/],
    ["a: 1\n---\nb: 1\n", 2, /multiple documents.*; remove the line "---"/],
    ["a: !secret x\n", 1, /Unresolved tag/],
    [`a: ${"[".repeat(20_000)}`, 1, /./],
  ] as const;
  for (const [text, line, told] of rows) {
    withFile(text, (file) => {
      const loaded = loadFrom(file);
      const [first] = loaded.ok ? [] : loaded.mistakes;
      assert.equal(first?.path, `${file}:${String(line)}`);
      assert.match(`${first.problem}; ${first.cure}`, told);
    });
  }
});

test("an error of YAML does not quote the file, which may hold secrets", () => {
  const loaded = load('general_settings:\n  master_key: "sk-very-secret\n  x: {\n');
  assert.ok(!loaded.ok);
  assert.doesNotMatch(formatMistakes(loaded.mistakes), /very-secret/);
});

test("aliases cannot unfold without end, and name what exists", () => {
  const levels = ["b", "c", "d", "e", "f"].map((name, index) => {
    const uses = Array.from({ length: 10 }, () => `*${"abcde".charAt(index)}`);
    return `${name}: &${name} [${uses.join(", ")}]`;
  });
  const bomb = ["a: &a [x, x]", ...levels].join("\n");
  assert.match(linesOf(bomb).join(), /alias count .*; write out what the alias stands for/);
  assert.match(linesOf("a: *nowhere").join(), /Unresolved alias .*nowhere/);
});

test("a file that cannot be read, or holds no mapping, is a mistake of its own", () => {
  const missing = loadFrom("/nowhere/config.yaml");
  assert.ok(!missing.ok);
  assert.match(
    formatMistakes(missing.mistakes),
    /\/nowhere\/config.yaml {3}cannot be read: ENOENT/,
  );
  assert.match(linesOf("- 1\n").join(), / {3}is not a mapping; begin with model_list:$/);
  assert.match(linesOf(" ".repeat(5_000_000)).join(), / {3}is larger than \d+ bytes/);
});

test("keys that are names of object members are unknown keys and nothing else", () => {
  const keys = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  for (const key of keys) {
    const text = `model_list: []\n${key}: {polluted: 1}\ngeneral_settings: {${key}: {polluted: 1}}\n`;
    const paths = mistakesOf(text).map(({ path }) => path);
    assert.ok(paths.includes(key) && paths.includes(`general_settings.${key}`), paths.join());
  }
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("no mistake shows the value of a secret", () => {
  const secret = "s3cret-value with space";
  const document = {
    model_list: [{ model_name: "m", litellm_params: { model: "openai/m", api_key: secret } }],
    general_settings: { master_key: secret, database_url: secret, alerting: ["webhook"] },
    environment_variables: { A: [secret] },
  };
  const env = { WEBHOOK_URL: secret, WEBHOOK_SECRET: secret };
  const loaded = load(document, { env });
  assert.ok(!loaded.ok);
  assert.equal(loaded.mistakes.length, 6);
  assert.doesNotMatch(formatMistakes(loaded.mistakes), /s3cret/);
});

/** The mistakes as they are printed, without the alignment. */
function linesOf(...given: Parameters<typeof mistakesOf>): readonly string[] {
  return mistakesOf(...given).map(({ path, problem, cure }) => `${path}   ${problem}; ${cure}`);
}
