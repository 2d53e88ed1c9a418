/** The providers that may stand before the slash in `litellm_params.model`, and the variables that belong to them. */

export interface KnownProvider {
  /** Where the API key is looked for if the deployment names none, in this order. */
  readonly keyVariables: readonly string[];
  /** Whether calls to the provider's own address need a key. */
  readonly needsKey: boolean;
  /** Where the address is looked for if the deployment names none. */
  readonly baseVariable?: string;
  /** There is no address that would do for everybody. */
  readonly needsBase?: true;
  /** It wants more than a key, or other than one. */
  readonly cloud?: "amazon" | "google";
}

export const KNOWN_PROVIDERS = {
  openai: { keyVariables: ["OPENAI_API_KEY"], needsKey: true },
  azure: {
    keyVariables: ["AZURE_API_KEY"],
    needsKey: true,
    baseVariable: "AZURE_API_BASE",
    needsBase: true,
  },
  mistral: { keyVariables: ["MISTRAL_API_KEY"], needsKey: true },
  groq: { keyVariables: ["GROQ_API_KEY"], needsKey: true },
  together_ai: { keyVariables: ["TOGETHERAI_API_KEY", "TOGETHER_API_KEY"], needsKey: true },
  deepseek: { keyVariables: ["DEEPSEEK_API_KEY"], needsKey: true },
  xai: { keyVariables: ["XAI_API_KEY"], needsKey: true },
  openrouter: { keyVariables: ["OPENROUTER_API_KEY"], needsKey: true },
  fireworks_ai: { keyVariables: ["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"], needsKey: true },
  perplexity: { keyVariables: ["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"], needsKey: true },
  cerebras: { keyVariables: ["CEREBRAS_API_KEY"], needsKey: true },
  nvidia_nim: { keyVariables: ["NVIDIA_NIM_API_KEY"], needsKey: true },
  deepinfra: { keyVariables: ["DEEPINFRA_API_KEY"], needsKey: true },
  sambanova: { keyVariables: ["SAMBANOVA_API_KEY"], needsKey: true },
  moonshot: { keyVariables: ["MOONSHOT_API_KEY"], needsKey: true },
  dashscope: { keyVariables: ["DASHSCOPE_API_KEY"], needsKey: true },
  volcengine: { keyVariables: ["VOLCENGINE_API_KEY", "ARK_API_KEY"], needsKey: true },
  nebius: { keyVariables: ["NEBIUS_API_KEY"], needsKey: true },
  novita: { keyVariables: ["NOVITA_API_KEY"], needsKey: true },
  hyperbolic: { keyVariables: ["HYPERBOLIC_API_KEY"], needsKey: true },
  featherless_ai: {
    keyVariables: ["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"],
    needsKey: true,
  },
  friendliai: { keyVariables: ["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"], needsKey: true },
  jina_ai: { keyVariables: ["JINA_AI_API_KEY"], needsKey: true },
  voyage: { keyVariables: ["VOYAGE_API_KEY"], needsKey: true },
  codestral: { keyVariables: ["CODESTRAL_API_KEY"], needsKey: true },
  github: { keyVariables: ["GITHUB_API_KEY"], needsKey: true },
  litellm_proxy: {
    keyVariables: ["LITELLM_PROXY_API_KEY"],
    needsKey: true,
    baseVariable: "LITELLM_PROXY_API_BASE",
    needsBase: true,
  },
  ollama: { keyVariables: ["OLLAMA_API_KEY"], needsKey: false, baseVariable: "OLLAMA_API_BASE" },
  hosted_vllm: {
    keyVariables: ["HOSTED_VLLM_API_KEY"],
    needsKey: false,
    baseVariable: "HOSTED_VLLM_API_BASE",
  },
  llamafile: {
    keyVariables: ["LLAMAFILE_API_KEY"],
    needsKey: false,
    baseVariable: "LLAMAFILE_API_BASE",
  },
  lm_studio: {
    keyVariables: ["LM_STUDIO_API_KEY"],
    needsKey: false,
    baseVariable: "LM_STUDIO_API_BASE",
  },
  anthropic: {
    keyVariables: ["ANTHROPIC_API_KEY"],
    needsKey: true,
    baseVariable: "ANTHROPIC_API_BASE",
  },
  gemini: { keyVariables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"], needsKey: true },
  vertex_ai: { keyVariables: ["GOOGLE_VERTEX_API_KEY"], needsKey: false, cloud: "google" },
  bedrock: { keyVariables: ["AWS_BEARER_TOKEN_BEDROCK"], needsKey: false, cloud: "amazon" },
  cohere: { keyVariables: ["COHERE_API_KEY", "CO_API_KEY"], needsKey: true },
  fake: { keyVariables: [], needsKey: false },
} as const satisfies Readonly<Record<string, KnownProvider>>;

export type ProviderName = keyof typeof KNOWN_PROVIDERS;

/** Other spellings of the names above. */
export const PROVIDER_ALIASES: Readonly<Record<string, ProviderName>> = {
  together: "together_ai",
  fireworks: "fireworks_ai",
  nvidia: "nvidia_nim",
  ollama_chat: "ollama",
  vllm: "hosted_vllm",
  cohere_chat: "cohere",
  vertex_ai_beta: "vertex_ai",
  bedrock_converse: "bedrock",
};

/** LiteLLM providers that Purser has no words for, so that no `api_base` makes them work. */
export const FOREIGN_PROVIDERS: readonly string[] = [
  "ai21",
  "azure_ai",
  "databricks",
  "huggingface",
  "replicate",
  "sagemaker",
  "watsonx",
];

export function providerNamed(prefix: string): ProviderName | undefined {
  if (Object.hasOwn(PROVIDER_ALIASES, prefix)) return PROVIDER_ALIASES[prefix];
  return isProviderName(prefix) ? prefix : undefined;
}

function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(KNOWN_PROVIDERS, name);
}
