/** The models that chat is translated for, and what of OpenAI's chat each has other words for. */

import type { LanguageModelV4, SharedV4ProviderOptions } from "@ai-sdk/provider";
import type { DeploymentConfig } from "../config/config.ts";
import {
  anthropic,
  bedrock,
  cohere,
  google,
  vertex,
  vertexClaude,
  type Fetch,
} from "./packages.ts";
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

export type Speak = (deployment: DeploymentConfig, fetch: Fetch) => Promise<Language>;

export const speakAnthropic: Speak = async (deployment, fetch) => {
  const { model } = deployment;
  return claude((await anthropic(deployment, fetch))(model), model);
};

export const speakGemini: Speak = async (deployment, fetch) => {
  const { model } = deployment;
  return gemini((await google(deployment, fetch))(model), model);
};

export const speakVertex: Speak = async (deployment, fetch) => {
  const { model } = deployment;
  return model.startsWith("claude")
    ? claude((await vertexClaude(deployment, fetch))(model), model)
    : gemini((await vertex(deployment, fetch))(model), model);
};

/** It serves Claude, which thinks by the token, and others, which think by effort. */
export const speakBedrock: Speak = async (deployment, fetch) => {
  const { model: name } = deployment;
  const model = (await bedrock(deployment, fetch))(name);
  const common = { model, convention: "bedrock", wantsSchema: true } as const;
  if (!/anthropic|claude/.test(name)) {
    return { ...common, thinking: /nova/.test(name) ? asNova : byEffort(), oneTool: null };
  }
  return { ...(await claude(model, name, converseBudget)), ...common };
};

export const speakCohere: Speak = async (deployment, fetch) => ({
  model: (await cohere(deployment, fetch))(deployment.model),
  convention: "cohere",
  thinking: byBudget({ ...BUDGET, options: cohereBudget }),
  wantsSchema: false,
  oneTool: null,
});

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

function cohereBudget(tokenBudget: number): SharedV4ProviderOptions {
  return { cohere: { thinking: { type: "enabled", tokenBudget } } };
}

function converseBudget(budgetTokens: number): SharedV4ProviderOptions {
  return { bedrock: { reasoningConfig: { type: "enabled", budgetTokens } } };
}

function geminiBudget(thinkingBudget: number): SharedV4ProviderOptions {
  return { google: { thinkingConfig: { includeThoughts: true, thinkingBudget } } };
}

/** Its thoughts are shown only to those who ask for them. */
function gemini(model: LanguageModelV4, name: string): Language {
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
