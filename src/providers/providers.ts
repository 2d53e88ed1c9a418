/** Every provider that a deployment can name. */

import type { DeploymentConfig } from "../config/config.ts";
import type { ProviderName } from "../config/providers.ts";
import { azure } from "./azure.ts";
import { addressing, baseUrl, pathOf, type Endpoint } from "./endpoint.ts";
import { FOREIGN } from "./foreign.ts";
import type { Provider } from "./provider.ts";

/** What sets a provider apart from the rest; most differ by address only. */
interface Host {
  /** Null where only the deployment can know. */
  readonly base: string | null;
  /** LiteLLM takes this provider's `api_base` without `/v1`, so existing configurations lack it. */
  readonly addsV1?: true;
  readonly families?: Provider["families"];
  readonly outputBoundField?: Provider["outputBoundField"];
  readonly streamUsageOption?: false;
}

const openai: Host = {
  base: "https://api.openai.com/v1",
  // Reasoning models refuse `max_tokens`.
  outputBoundField: "max_completion_tokens",
};

const mistral: Host = {
  base: "https://api.mistral.ai/v1",
  addsV1: true,
  // Answers 422 `extra_forbidden` to `stream_options`; its last chunk carries usage unasked.
  streamUsageOption: false,
};

const openrouter: Host = {
  base: "https://openrouter.ai/api/v1",
  // Documents `include_usage` as deprecated and without effect: usage is always included.
  streamUsageOption: false,
};

const perplexity: Host = {
  base: "https://api.perplexity.ai",
  // Does not document `stream_options`; every chunk carries the usage so far.
  streamUsageOption: false,
};

/** These have files of their own. */
type Foreign = "azure" | "anthropic" | "gemini" | "vertex_ai" | "bedrock" | "cohere";

const HOSTS: Readonly<Record<Exclude<ProviderName, Foreign>, Host>> = {
  openai,
  mistral,
  groq: { base: "https://api.groq.com/openai/v1" },
  together_ai: { base: "https://api.together.xyz/v1" },
  deepseek: { base: "https://api.deepseek.com" },
  xai: { base: "https://api.x.ai/v1" },
  openrouter,
  fireworks_ai: { base: "https://api.fireworks.ai/inference/v1" },
  perplexity,
  cerebras: { base: "https://api.cerebras.ai/v1" },
  nvidia_nim: { base: "https://integrate.api.nvidia.com/v1" },
  deepinfra: { base: "https://api.deepinfra.com/v1/openai" },
  sambanova: { base: "https://api.sambanova.ai/v1" },
  moonshot: { base: "https://api.moonshot.ai/v1" },
  dashscope: { base: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1" },
  volcengine: { base: "https://ark.cn-beijing.volces.com/api/v3" },
  nebius: { base: "https://api.studio.nebius.ai/v1" },
  novita: { base: "https://api.novita.ai/v3/openai" },
  jina_ai: { base: "https://api.jina.ai/v1" },
  voyage: { base: "https://api.voyageai.com/v1" },
  hyperbolic: { base: "https://api.hyperbolic.xyz/v1" },
  featherless_ai: { base: "https://api.featherless.ai/v1" },
  friendliai: { base: "https://api.friendli.ai/serverless/v1" },
  codestral: { ...mistral, base: "https://codestral.mistral.ai/v1" },
  github: { base: "https://models.github.ai/inference" },
  litellm_proxy: { base: null },
  llamafile: { base: "http://127.0.0.1:8080/v1" },
  ollama: { base: "http://127.0.0.1:11434/v1", addsV1: true },
  hosted_vllm: { base: "http://127.0.0.1:8000/v1" },
  lm_studio: { base: "http://127.0.0.1:1234/v1" },
  // Listens on a port of its own choice, so its address becomes known at the start.
  fake: { base: null, families: ["openai", "anthropic"] },
};

const PROVIDERS: ReadonlyMap<string, Provider> = new Map(
  [azure, ...FOREIGN, ...Object.entries(HOSTS).map(([name, host]) => providerAt(name, host))].map(
    (provider) => [provider.name, provider],
  ),
);

/** Undefined if configuration does not know the name either. */
export function providerNamed(name: string): Provider | undefined {
  return PROVIDERS.get(name);
}

function providerAt(name: string, host: Host): Provider {
  return {
    name,
    families: host.families ?? ["openai", "rerank"],
    translated: {},
    address: addressing((deployment) => endpointAt(host, deployment)),
    outputBoundField: host.outputBoundField ?? "max_tokens",
    streamUsageOption: host.streamUsageOption ?? true,
  };
}

/** The route is appended to `api_base` as given, as OpenAI's own clients do. */
function endpointAt(host: Host, deployment: DeploymentConfig): Endpoint {
  const url = baseUrl(deployment, host.base);
  const path = pathOf(url);
  return {
    origin: url.origin,
    base: host.addsV1 === true && !path.endsWith("/v1") ? `${path}/v1` : path,
    query: url.search,
    headers: deployment.apiKey === null ? {} : { authorization: `Bearer ${deployment.apiKey}` },
  };
}
