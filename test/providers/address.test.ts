/** Where calls go, and with which credentials. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeploymentConfig } from "../../src/config/config.ts";
import { KNOWN_PROVIDERS } from "../../src/config/providers.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { providerNamed } from "../../src/providers/providers.ts";
import { deploymentOf } from "./deployment.ts";

const PROVIDER_NAMES = Object.keys(KNOWN_PROVIDERS).toSorted();
const SPEAKING_OPENAI = PROVIDER_NAMES.filter((name) => named(name).families.includes("openai"));
const ROUTE = "/chat/completions";
const AZURE = "https://acme.openai.azure.com";
const AZURE_CHAT = `${AZURE}/openai/deployments/gpt4-eu/chat/completions`;

test("every provider has its own address, but for those that cannot have one", () => {
  const addresses: Record<string, string> = {
    cerebras: "https://api.cerebras.ai/v1",
    codestral: "https://codestral.mistral.ai/v1",
    dashscope: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    deepinfra: "https://api.deepinfra.com/v1/openai",
    deepseek: "https://api.deepseek.com",
    featherless_ai: "https://api.featherless.ai/v1",
    fireworks_ai: "https://api.fireworks.ai/inference/v1",
    friendliai: "https://api.friendli.ai/serverless/v1",
    github: "https://models.github.ai/inference",
    groq: "https://api.groq.com/openai/v1",
    hosted_vllm: "http://127.0.0.1:8000/v1",
    hyperbolic: "https://api.hyperbolic.xyz/v1",
    llamafile: "http://127.0.0.1:8080/v1",
    lm_studio: "http://127.0.0.1:1234/v1",
    mistral: "https://api.mistral.ai/v1",
    moonshot: "https://api.moonshot.ai/v1",
    nebius: "https://api.studio.nebius.ai/v1",
    novita: "https://api.novita.ai/v3/openai",
    jina_ai: "https://api.jina.ai/v1",
    voyage: "https://api.voyageai.com/v1",
    nvidia_nim: "https://integrate.api.nvidia.com/v1",
    ollama: "http://127.0.0.1:11434/v1",
    openai: "https://api.openai.com/v1",
    openrouter: "https://openrouter.ai/api/v1",
    perplexity: "https://api.perplexity.ai",
    sambanova: "https://api.sambanova.ai/v1",
    together_ai: "https://api.together.xyz/v1",
    volcengine: "https://ark.cn-beijing.volces.com/api/v3",
    xai: "https://api.x.ai/v1",
  };
  for (const [provider, base] of Object.entries(addresses)) {
    assert.equal(urlOf({ provider }), base + ROUTE);
  }
  const unknown = SPEAKING_OPENAI.filter((name) => addresses[name] === undefined);
  assert.deepEqual(unknown, ["azure", "fake", "litellm_proxy"]);
  for (const provider of unknown) {
    assert.throws(
      () => urlOf({ provider }),
      /chat: (azure|fake|litellm_proxy) needs an http\(s\) api_base/,
    );
  }
});

test("the route is appended to an api_base as given, whatever slashes end it", () => {
  const bases: readonly (readonly [string, string])[] = [
    ["http://10.0.0.5:9000/v1", "http://10.0.0.5:9000/v1/chat/completions"],
    ["http://10.0.0.5:9000/v1/", "http://10.0.0.5:9000/v1/chat/completions"],
    ["http://10.0.0.5:9000/v1//", "http://10.0.0.5:9000/v1/chat/completions"],
    ["http://10.0.0.5:9000", "http://10.0.0.5:9000/chat/completions"],
    ["http://10.0.0.5:9000/", "http://10.0.0.5:9000/chat/completions"],
    ["https://host/llm/v1?team=a", "https://host/llm/v1/chat/completions?team=a"],
  ];
  for (const [apiBase, url] of bases) {
    for (const provider of ["openai", "hosted_vllm", "fake"]) {
      assert.equal(urlOf({ provider, apiBase }), url);
    }
  }
});

test("the api_base of an Ollama or Mistral that serves LiteLLM serves Purser", () => {
  for (const provider of ["ollama", "mistral"]) {
    for (const apiBase of ["http://host:1", "http://host:1/", "http://host:1/v1/"]) {
      assert.equal(urlOf({ provider, apiBase }), "http://host:1/v1/chat/completions");
    }
  }
});

test("an api_base that is no http address is an error that names the model", () => {
  for (const apiBase of ["", "localhost:8000", "ftp://host", "not an address"]) {
    assert.throws(() => urlOf({ apiBase }), /^Error: chat: openai needs an http\(s\) api_base$/);
  }
});

test("Azure is found by the resource, by the deployment, or by the whole address", () => {
  const bases = ["", "/", "/openai", "/openai/", "/openai/deployments/gpt4-eu"].map(
    (path) => AZURE + path,
  );
  for (const apiBase of [...bases, `${bases.at(-1)}/`, AZURE_CHAT, `${AZURE_CHAT}?api-version=x`]) {
    const url = urlOf({ provider: "azure", model: "gpt4-eu", apiBase, apiVersion: "2024-10-21" });
    assert.equal(url, `${AZURE_CHAT}?api-version=2024-10-21`);
  }
});

test("Azure's version is the one given, else the address's own, else LiteLLM's default", () => {
  assert.equal(versionOf(`${AZURE_CHAT}?api-version=2024-12-01-preview`, "v1"), "v1");
  assert.equal(
    versionOf(`${AZURE_CHAT}?api-version=2024-12-01-preview`, null),
    "2024-12-01-preview",
  );
  assert.equal(versionOf(AZURE, null), "2025-02-01-preview");
});

test("Azure's newer API has neither deployments in its path nor a version of its own", () => {
  const chat = `${AZURE}/openai/v1/chat/completions`;
  const apiBase = `${AZURE}/openai/v1/`;
  assert.equal(urlOf({ provider: "azure", apiBase }), chat);
  assert.equal(
    urlOf({ provider: "azure", apiBase, apiVersion: "preview" }),
    `${chat}?api-version=preview`,
  );
});

test("Azure's responses are those of the resource, and their body names the deployment", () => {
  for (const apiBase of [AZURE, AZURE_CHAT, `${AZURE}/openai/v1`, `${AZURE_CHAT}?api-version=x`]) {
    const deployment = deploymentOf({ provider: "azure", model: "gpt4-eu", apiBase });
    const { origin, path } = named("azure").address(deployment, "/responses/r1");
    assert.equal(origin + path, `${AZURE}/openai/v1/responses/r1`);
  }
});

test("an Azure deployment of any name stays one segment of the path", () => {
  const url = urlOf({ provider: "azure", model: "a b/c?d", apiBase: AZURE });
  assert.match(url, /\/deployments\/a%20b%2Fc%3Fd\/chat\/completions\?api-version=/);
});

test("a key becomes a bearer token, or Azure's own header, and no key no header", () => {
  const azure = { provider: "azure", apiBase: AZURE };
  assert.deepEqual(outbound({ apiKey: "sk-1" }).headers, { authorization: "Bearer sk-1" });
  assert.deepEqual(outbound({ ...azure, apiKey: "k" }).headers, { "api-key": "k" });
  assert.deepEqual(outbound({ provider: "ollama" }).headers, {});
  assert.deepEqual(outbound(azure).headers, {});
});

test("calls of a deployment share their headers, whatever the route", () => {
  const deployment = deploymentOf({ apiKey: "sk-1" });
  const chat = named("openai").address(deployment, ROUTE);
  const embeddings = named("openai").address(deployment, "/embeddings");
  assert.equal(chat.headers, embeddings.headers);
  assert.equal(embeddings.path, "/v1/embeddings");
});

test("Anthropic, Gemini and Cohere are found with or without the version of their API", () => {
  const rows = [
    ["anthropic", null, "https://api.anthropic.com/v1/x"],
    ["anthropic", "http://h:1", "http://h:1/v1/x"],
    ["anthropic", "http://h:1/v1/", "http://h:1/v1/x"],
    ["gemini", null, "https://generativelanguage.googleapis.com/v1beta/x"],
    ["gemini", "http://h:1", "http://h:1/v1beta/x"],
    ["gemini", "http://h:1/v1beta", "http://h:1/v1beta/x"],
    ["cohere", null, "https://api.cohere.com/v2/x"],
    ["cohere", "http://h:1", "http://h:1/v2/x"],
    ["cohere", "http://h:1/v1", "http://h:1/v1/x"],
  ] as const;
  for (const [provider, apiBase, url] of rows) {
    const { origin, path } = named(provider).address(deploymentOf({ provider, apiBase }), "/x");
    assert.equal(origin + path, url);
  }
});

test("a name that is not a provider's is nobody's, whatever JavaScript calls its own", () => {
  for (const name of ["", "OpenAI", "constructor", "__proto__", "watsonx"]) {
    assert.equal(providerNamed(name), undefined);
  }
});

test("the output is bounded by the field that the provider understands", () => {
  const modern = PROVIDER_NAMES.filter(
    (name) => named(name).outputBoundField === "max_completion_tokens",
  );
  assert.deepEqual(modern, ["azure", "openai"]);
});

test("no provider is asked for the usage of a stream where that is refused or needless", () => {
  const unasked = SPEAKING_OPENAI.filter((name) => !named(name).streamUsageOption);
  assert.deepEqual(unasked, ["codestral", "mistral", "openrouter", "perplexity"]);
});

function versionOf(apiBase: string, apiVersion: string | null): string | null {
  return new URL(urlOf({ provider: "azure", apiBase, apiVersion })).searchParams.get("api-version");
}

function urlOf(given: Partial<DeploymentConfig>): string {
  const { origin, path } = outbound(given);
  return origin + path;
}

function outbound(given: Partial<DeploymentConfig>): ReturnType<Provider["address"]> {
  const deployment = deploymentOf(given);
  return named(deployment.provider).address(deployment, ROUTE);
}

function named(name: string): Provider {
  const provider = providerNamed(name);
  assert.ok(provider, name);
  return provider;
}
