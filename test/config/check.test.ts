/** `purser check` tells what a start would do, and nothing that is secret. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runCheck } from "../../src/cli/check.ts";
import { withFile } from "./source.ts";

const FILE = `
model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/eu, api_base: "https://r.example", api_key: os.environ/THE_KEY}
    model_info: {id: eu, base_model: gpt-4o}
  - model_name: house
    litellm_params: {model: fake/m}
    model_info: {id: h1, input_cost_per_token: 0.00000015, output_cost_per_token: 6e-7}
general_settings:
  master_key: sk-hidden-master
  database_url: postgres://user:hidden-password@db.example:5432/purser?sslmode=require
  alerting: [webhook]
  proxy_batch_write_at: 10
router_settings: {polling_interval: 2}
`;

const NOW = Date.parse("2026-11-23T12:00:00Z");

const ENV = {
  THE_KEY: "hidden-provider-key",
  WEBHOOK_URL: "https://user:hidden-pass@hooks.example/hidden-path",
  WEBHOOK_SECRET: Buffer.from("hidden-secret-of-24-bytes").toString("base64"),
};

test("a right configuration is described, without its secrets", () => {
  const { code, text } = check(FILE);
  assert.equal(
    text.replaceAll(/[0-9a-f]{16}$/gm, "VERSION"),
    `config: ok
database: postgres db.example:5432/purser
webhook: hooks.example
slack: none

deployments
  model    upstream   id
  gpt-4o   azure/eu   eu
  house    fake/m     h1

prices
  model    from       input $/M   output $/M   1000 in, 1000 out   version
  gpt-4o   list       2.5         10           0.0125              VERSION
  house    operator   0.15        0.6          0.00075             VERSION

ignored
  general_settings.proxy_batch_write_at   spend is written in the call's own transaction
  router_settings.polling_interval        deployments are chosen by weight, and left alone while they fail

warnings
  router_settings.polling_interval: ignored: deployments are chosen by weight, and left alone while they fail
`,
  );
  assert.equal(code, 0);
});

test("a model without a price is shown with the fallback or none, and said what that means", () => {
  const unknown = FILE.replace("base_model: gpt-4o", "base_model: not-listed");
  assert.match(check(unknown).text, /\n  gpt-4o   no price\n/);
  assert.match(check(unknown).text, /gpt-4o has no price: it is refused to customers with a money/);
  const fallback = "general_settings:\n  unpriced_fallback: {input: 10, output: 30}";
  const { text } = check(unknown.replace("general_settings:", fallback));
  assert.match(text, /\n  gpt-4o   fallback   10          30           0\.04 /);
  assert.match(
    text,
    /gpt-4o has no price: until it has, its calls cost what unpriced_fallback says/,
  );
});

test("a wrong configuration fails with its mistakes", () => {
  const { code, text } = check(FILE.replace("alerting", "alertng"));
  assert.equal(code, 1);
  assert.equal(
    text,
    'config: 1 mistake\n  general_settings.alertng   unknown key; did you mean "alerting"?\n',
  );
});

test("without a file, the demonstration is described", () => {
  const printed: string[] = [];
  assert.equal(
    runCheck({ file: null, env: {} }, NOW, (text) => printed.push(text)),
    0,
  );
  assert.match(printed.join(""), /azure-gpt-3\.5/);
  assert.doesNotMatch(printed.join(""), /sk-1234/);
});

function check(file: string): { readonly code: number; readonly text: string } {
  const printed: string[] = [];
  const code = withFile(file, (path) =>
    runCheck({ file: path, env: ENV }, NOW, (text) => printed.push(text)),
  );
  const text = printed.join("");
  assert.doesNotMatch(text, /hidden/);
  return { code, text };
}
