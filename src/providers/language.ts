/** Providers with a language of their own, as `@ai-sdk` packages speak it; each is loaded when it is first needed. */

import type { LanguageModelV4, SharedV4ProviderOptions } from "@ai-sdk/provider";
import type { CloudConfig, DeploymentConfig } from "../config/config.ts";
import { googleClient } from "./google-sign-in.ts";
import { asNova, byBudget, byEffort, type Thinking } from "./thinking.ts";

/** A model that chat is translated for. */
export interface Language {
  readonly model: LanguageModelV4;
  /** How its provider tells usage. */
  readonly convention: "anthropic" | "gemini" | "bedrock" | "cohere";
  readonly thinking: Thinking;
  /** It has no word for "any JSON", only for a schema that is asked of a tool. */
  readonly wantsSchema: boolean;
  /** What asks for one tool at a time; null if nothing does. */
  readonly oneTool: SharedV4ProviderOptions | null;
}

export type Fetch = typeof globalThis.fetch;
export type Speak = (deployment: DeploymentConfig, fetch: Fetch) => Promise<Language>;

export const speakAnthropic: Speak = async (deployment, fetch) => {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  const provider = createAnthropic({ ...withKey(deployment), ...withBase(deployment), fetch });
  return claude(provider(deployment.model), deployment.model);
};

export const speakGemini: Speak = async (deployment, fetch) => {
  const { createGoogle } = await import("@ai-sdk/google");
  const provider = createGoogle({ ...withKey(deployment), ...withBase(deployment), fetch });
  return geminiLanguage(provider(deployment.model), deployment.model);
};

/** Google's cloud serves Claude as well, at another address, and to nobody who has but a key. */
export const speakVertex: Speak = async (deployment, fetch) => {
  const settings = { ...vertexSettings(deployment), ...withBase(deployment), fetch };
  const { model, apiKey } = deployment;
  if (model.startsWith("claude")) {
    const { createGoogleVertexAnthropic } = await import("@ai-sdk/google-vertex/anthropic");
    const provider = createGoogleVertexAnthropic({ ...settings, ...(await signedIn(deployment)) });
    return claude(provider(model), model);
  }
  const { createGoogleVertex } = await import("@ai-sdk/google-vertex");
  const signIn = apiKey === null ? await signedIn(deployment) : {};
  const provider = createGoogleVertex({ ...settings, ...withKey(deployment), ...signIn });
  return geminiLanguage(provider(model), model);
};

/** It serves Claude, which thinks by the token, and others, which think by effort. */
export const speakBedrock: Speak = async (deployment, fetch) => {
  const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
  const settings = { ...bedrockSettings(deployment.cloud), ...withKey(deployment) };
  const provider = createAmazonBedrock({ ...settings, ...withBase(deployment), fetch });
  const { model: name } = deployment;
  const model = provider(name);
  const bedrock = { model, convention: "bedrock", wantsSchema: true } as const;
  if (!/anthropic|claude/.test(name)) {
    return { ...bedrock, thinking: /nova/.test(name) ? asNova : byEffort(), oneTool: null };
  }
  return { ...(await claude(model, name, converseBudget)), ...bedrock };
};

export const speakCohere: Speak = async (deployment, fetch) => {
  const { createCohere } = await import("@ai-sdk/cohere");
  const provider = createCohere({ ...withKey(deployment), ...withBase(deployment), fetch });
  return {
    model: provider(deployment.model),
    convention: "cohere",
    thinking: byBudget({
      ...BUDGET,
      options: (tokenBudget) => ({ cohere: { thinking: { type: "enabled", tokenBudget } } }),
    }),
    wantsSchema: false,
    oneTool: null,
  };
};

/** What Gemini 2.5 takes; Cohere names no bounds of its own. */
const BUDGET = { min: 512, max: 24_576, beside: false } as const;

/** Models since 4.6 think as long as they like within the bound; those before are told, from 1024 tokens on. */
async function claude(
  model: LanguageModelV4,
  name: string,
  options: (tokens: number) => SharedV4ProviderOptions = claudeBudget,
): Promise<Language> {
  const { getModelCapabilities } = await import("@ai-sdk/anthropic/internal");
  const { supportsAdaptiveThinking, maxOutputTokens: max } = getModelCapabilities(name);
  return {
    model,
    convention: "anthropic",
    thinking: supportsAdaptiveThinking
      ? byEffort()
      : byBudget({ min: 1024, max, beside: true, options }),
    wantsSchema: true,
    oneTool: { anthropic: { disableParallelToolUse: true } },
  };
}

function claudeBudget(budgetTokens: number): SharedV4ProviderOptions {
  return { anthropic: { thinking: { type: "enabled", budgetTokens } } };
}

function converseBudget(budgetTokens: number): SharedV4ProviderOptions {
  return { bedrock: { reasoningConfig: { type: "enabled", budgetTokens } } };
}

function geminiBudget(thinkingBudget: number): SharedV4ProviderOptions {
  return { google: { thinkingConfig: { includeThoughts: true, thinkingBudget } } };
}

/** Its thoughts are shown only to those who ask for them. */
function geminiLanguage(model: LanguageModelV4, name: string): Language {
  const shown = { google: { thinkingConfig: { includeThoughts: true } } };
  return {
    model,
    convention: "gemini",
    thinking: /^gemini-[12]\b/.test(name)
      ? byBudget({ ...BUDGET, options: geminiBudget }, shown)
      : byEffort(shown),
    wantsSchema: false,
    oneTool: null,
  };
}

/** Said even where there is none: the packages would take one from the environment, which is not for every host. */
function withKey({ apiKey }: DeploymentConfig) {
  return { apiKey: apiKey ?? "" };
}

function withBase({ apiBase }: DeploymentConfig) {
  return apiBase === null ? {} : { baseURL: apiBase.replace(/\/+$/, "") };
}

function vertexSettings({ cloud }: DeploymentConfig) {
  const { region, project } = cloud ?? NO_CLOUD;
  return {
    ...(region === null ? {} : { location: region }),
    ...(project === null ? {} : { project }),
  };
}

async function signedIn(deployment: DeploymentConfig) {
  return { googleAuthOptions: { authClient: await googleClient(deployment) } };
}

function bedrockSettings(cloud: CloudConfig | null) {
  const { region, accessKeyId, secretAccessKey, sessionToken } = cloud ?? NO_CLOUD;
  return {
    ...(region === null ? {} : { region }),
    ...(accessKeyId === null ? {} : { accessKeyId }),
    ...(secretAccessKey === null ? {} : { secretAccessKey }),
    ...(sessionToken === null ? {} : { sessionToken }),
  };
}

const NO_CLOUD: CloudConfig = {
  region: null,
  project: null,
  credentials: null,
  accessKeyId: null,
  secretAccessKey: null,
  sessionToken: null,
};
