/** A line of the golden table: what a provider answered, what it used, and what that costs to the nano-dollar. */

import type { DeploymentConfig, PriceOverride } from "../../src/config/config.ts";
import type { Convention } from "../../src/gateway/usage.ts";
import type { Usage } from "../../src/money/usage.ts";
import type { Json, JsonObject } from "../../src/platform/json.ts";

export interface Golden {
  readonly name: string;
  readonly convention: Convention;
  readonly deployment: Partial<DeploymentConfig> & Pick<DeploymentConfig, "provider" | "model">;
  readonly answer: JsonObject;
  /** The events that tell of usage, where the same is told by a stream. */
  readonly events?: readonly JsonObject[];
  readonly request?: JsonObject;
  readonly parts: Usage;
  /** Where the prices stand, and what they are in dollars per million unless it says otherwise. */
  readonly prices: string;
  readonly nano: bigint;
}

export const LISTS = {
  openai: "platform.openai.com/docs/pricing",
  priority: "openai.com/api-priority-processing",
  anthropic: "docs.claude.com/en/docs/about-claude/pricing",
  gemini: "ai.google.dev/gemini-api/docs/pricing",
  bedrock: "aws.amazon.com/bedrock/pricing",
  azure: "azure.microsoft.com/pricing/details/cognitive-services/openai-service",
  cohere: "cohere.com/pricing",
  deepseek: "api-docs.deepseek.com/quick_start/pricing",
  mistral: "mistral.ai/pricing",
  groq: "groq.com/pricing",
  xai: "docs.x.ai/docs/models",
  perplexity: "docs.perplexity.ai/getting-started/pricing",
  openrouter: "openrouter.ai/docs/use-cases/usage-accounting",
} as const;

/** An operator's own price. */
export function override(rest: Partial<PriceOverride>): PriceOverride {
  const empty = { from: null, multiplierPpm: null, rates: {}, tiers: [], services: {} };
  return { ...empty, label: "operator", ...rest };
}

/** As the chunk of a stream that carries usage. */
export function chunk(usage: Json, rest: JsonObject = {}): JsonObject {
  return { object: "chat.completion.chunk", choices: [], ...rest, usage };
}
