/** What a deployment becomes: its provider, address, key, id and prices. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeploymentConfig } from "../../src/config/config.ts";
import {
  KNOWN_PROVIDERS,
  PROVIDER_ALIASES,
  type ProviderName,
} from "../../src/config/providers.ts";
import { formatPrice } from "../../src/money/amount.ts";
import { configOf, MINIMAL, SERVICE_ACCOUNT, withParams } from "./source.ts";

const HOST = "http://127.0.0.1:8000/v1";

test("the first slash ends the provider, and a name without one is OpenAI's", () => {
  const rows = [
    [{ model: "openai/gpt-4o", api_key: "k" }, "openai", "gpt-4o"],
    [{ model: "gpt-4o", api_key: "k" }, "openai", "gpt-4o"],
    [{ model: "openrouter/meta-llama/llama-3", api_key: "k" }, "openrouter", "meta-llama/llama-3"],
    [{ model: "openai/meta-llama/llama-3", api_base: HOST }, "openai", "meta-llama/llama-3"],
    [{ model: "meta-llama/llama-3", api_base: HOST }, "openai", "meta-llama/llama-3"],
    [{ model: "meta-llama/llama-3", base_url: HOST }, "openai", "meta-llama/llama-3"],
    [{ model: "together/m", api_key: "k" }, "together_ai", "m"],
    [{ model: "fireworks/m", api_key: "k" }, "fireworks_ai", "m"],
    [{ model: "nvidia/m", api_key: "k" }, "nvidia_nim", "m"],
    [{ model: "vllm/m" }, "hosted_vllm", "m"],
    [{ model: "fake/gpt" }, "fake", "gpt"],
    [{ model: "claude-sonnet-4-5", api_key: "k" }, "anthropic", "claude-sonnet-4-5"],
    [{ model: "claude-sonnet-4-5", api_base: HOST }, "openai", "claude-sonnet-4-5"],
    [{ model: "gemini-2.5-flash", api_key: "k" }, "vertex_ai", "gemini-2.5-flash"],
    [{ model: "command-r-plus", api_key: "k" }, "cohere", "command-r-plus"],
    [{ model: "cohere_chat/command-r", api_key: "k" }, "cohere", "command-r"],
    [{ model: "vertex_ai_beta/gemini-2.5-pro", api_key: "k" }, "vertex_ai", "gemini-2.5-pro"],
    [
      { model: "vertex_ai/claude-sonnet-4@1", vertex_project: "p" },
      "vertex_ai",
      "claude-sonnet-4@1",
    ],
  ] as const;
  for (const [params, provider, model] of rows) {
    const deployment = only(withParams(params));
    assert.deepEqual([deployment.provider, deployment.model], [provider, model]);
  }
});

test("every spelling of every provider is accepted, with the key from its variable", () => {
  const names = Object.keys(KNOWN_PROVIDERS) as readonly ProviderName[];
  const spellings = [
    ...names.map((name) => [name, name] as const),
    ...Object.entries(PROVIDER_ALIASES),
  ];
  for (const [spelling, name] of spellings) {
    for (const variable of KNOWN_PROVIDERS[name].keyVariables) {
      const clouds = {
        AZURE_API_BASE: "https://r.example",
        LITELLM_PROXY_API_BASE: "https://l.example",
        AWS_REGION_NAME: "us-east-1",
      };
      const env = { [variable]: "from-env", ...clouds };
      const deployment = only(withParams({ model: `${spelling}/m` }), env);
      assert.deepEqual([deployment.provider, deployment.apiKey], [name, "from-env"]);
    }
  }
});

test("every spelling of a Bedrock model is that model, and names its region where it does", () => {
  const rows = [
    ["bedrock/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", "eu-west-1"],
    ["bedrock/converse/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", "eu-west-1"],
    ["bedrock/invoke/us.anthropic.claude-v4", "us.anthropic.claude-v4", "eu-west-1"],
    ["bedrock_converse/us.anthropic.claude-v4", "us.anthropic.claude-v4", "eu-west-1"],
    ["bedrock/us-east-1/anthropic.claude-v2:1", "anthropic.claude-v2:1", "us-east-1"],
    ["bedrock/converse/us-gov-west-1/amazon.nova-lite", "amazon.nova-lite", "us-gov-west-1"],
    ["bedrock/arn:aws:bedrock:x:1:p/q", "arn:aws:bedrock:x:1:p/q", "eu-west-1"],
  ] as const;
  const env = { AWS_REGION_NAME: "eu-west-1" };
  for (const [name, model, region] of rows) {
    const deployment = only(withParams({ model: name, api_key: "k" }), env);
    assert.deepEqual([deployment.model, deployment.cloud?.region], [model, region]);
  }
  const own = { model: "bedrock/us-east-1/m", api_key: "k", aws_region_name: "us-west-2" };
  assert.equal(only(withParams(own)).cloud?.region, "us-west-2", "what is given wins");
});

test("Google's project is the service account's, its location LiteLLM's default, where none is given", () => {
  const account = { ...SERVICE_ACCOUNT, project_id: "theirs" };
  const params = { model: "vertex_ai/m", vertex_credentials: JSON.stringify(account) };
  const { cloud } = only(withParams(params));
  assert.deepEqual([cloud?.project, cloud?.region], ["theirs", "us-central1"]);
  const own = only(withParams({ ...params, vertex_project: "own", vertex_location: "eu" })).cloud;
  assert.deepEqual([own?.project, own?.region], ["own", "eu"]);
});

test("Azure's address and version come from the entry, else from the environment", () => {
  const env = {
    AZURE_API_KEY: "k",
    AZURE_API_BASE: "https://env.example",
    AZURE_API_VERSION: "2024-10-21",
  };
  const fromEnv = only(withParams({ model: "azure/d" }), env);
  assert.deepEqual(
    [fromEnv.apiBase, fromEnv.apiVersion, fromEnv.apiKey],
    ["https://env.example", "2024-10-21", "k"],
  );
  const params = { model: "azure/d", api_base: "https://own.example", api_version: "v" };
  const own = only(withParams(params), env);
  assert.deepEqual([own.apiBase, own.apiVersion, own.apiKey], ["https://own.example", "v", "k"]);
  assert.equal(only(withParams({ model: "openai/m", api_key: "k" }), env).apiVersion, null);
});

test("a provider's key is not sent to a host of one's own", () => {
  const config = configOf(withParams({ model: "openai/m", api_base: HOST }), {
    env: { OPENAI_API_KEY: "sk-of-openai" },
  });
  assert.equal(config.deployments[0]?.apiKey, null);
});

test("a server on this machine gets the key from its variable, wherever it listens", () => {
  const params = { model: "hosted_vllm/m", api_base: HOST };
  assert.equal(only(withParams(params), { HOSTED_VLLM_API_KEY: "k" }).apiKey, "k");
});

test("a given id is kept, a number too, and derived ids are stable and unique", () => {
  const given = only(withParams({ model: "fake/m" }, { id: 12 }));
  assert.equal(given.id, "12");
  const [entry] = MINIMAL.model_list;
  const other = { model_name: "other", litellm_params: { model: "fake/m" } };
  const ids = configOf({ ...MINIMAL, model_list: [entry, other, entry, entry] }).deployments.map(
    ({ id }) => id,
  );
  assert.equal(new Set(ids).size, 4);
  assert.deepEqual(ids.slice(2), [`${ids[0]}-2`, `${ids[0]}-3`]);
  assert.equal(only(MINIMAL).id, ids[0], "the same entry has the same id in another file");
});

test("a given id that looks derived keeps its owner", () => {
  const derived = only(MINIMAL).id;
  const [entry] = MINIMAL.model_list;
  const namesake = { ...entry, model_info: { id: derived } };
  const ids = configOf({ ...MINIMAL, model_list: [entry, namesake] }).deployments.map(
    ({ id }) => id,
  );
  assert.deepEqual(ids, [`${derived}-2`, derived]);
});

test("prices are exact, and those beside the address win", () => {
  const [prices] = only(
    withParams(
      { model: "fake/m", input_cost_per_token: "3e-7" },
      {
        input_cost_per_token: 0.5,
        output_cost_per_token: 0.0000006,
        cache_read_input_token_cost: 0,
        cache_creation_input_token_cost: "0.000000375",
        input_cost_per_request: 0.01,
      },
    ),
  ).prices;
  const shown = Object.entries(prices?.rates ?? {}).map(([name, rate]) => [
    name,
    formatPrice(rate),
  ]);
  assert.deepEqual(Object.fromEntries(shown), {
    input: "0.0000003",
    output: "0.0000006",
    cacheRead: "0",
    cacheWrite5m: "0.000000375",
    request: "0.01",
  });
});

test("what is not given is left for the price list to know", () => {
  const { prices, baseModel, outputTokensMax, apiBase, apiKey } = only(MINIMAL);
  assert.deepEqual(prices, []);
  assert.deepEqual([baseModel, outputTokensMax, apiBase, apiKey], [null, null, null, null]);
});

test("what is known of the model is kept", () => {
  const info = { base_model: "azure/gpt-4o", max_output_tokens: "16384" };
  const { baseModel, outputTokensMax } = only(withParams({ model: "fake/m" }, info));
  assert.deepEqual([baseModel, outputTokensMax], ["azure/gpt-4o", 16384]);
  assert.equal(only(withParams({ model: "fake/m", base_model: "b" })).baseModel, "b");
});

test("prices that look wrong, or are half given, are warned of", () => {
  const rows: readonly (readonly [object, RegExp | null])[] = [
    [{ input_cost_per_token: 0.001, output_cost_per_token: 0.002 }, null],
    [{ input_cost_per_token: 0.15, output_cost_per_token: 0.6 }, /dollars per million tokens/],
    [{ input_cost_per_token: 0.001 }, /no output_cost_per_token/],
    [{ output_cost_per_token: 0.001 }, /no input_cost_per_token/],
    [{ input_cost_per_token: 0.001, mode: "embedding" }, null],
    [{}, null],
  ];
  for (const [info, told] of rows) {
    const { warnings } = configOf(withParams({ model: "fake/m" }, info));
    assert.equal(warnings.length, told === null ? 0 : 1, warnings.join());
    if (told !== null) assert.match(warnings.join(), told);
  }
});

function only(document: object, env: Record<string, string> = {}): DeploymentConfig {
  const [deployment] = configOf(document, { env }).deployments;
  assert.ok(deployment !== undefined);
  return deployment;
}
