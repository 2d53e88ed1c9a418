/** Providers with a language of their own, as deployments name them, and where each finds the bound that it is sent. */

import { ANTHROPIC, COHERE, CONVERSE, GEMINI, type Voice } from "./voices.ts";
import type { Received } from "./upstream.ts";

export interface Foreign {
  /** `litellm_params`, without the address. */
  readonly params: Readonly<Record<string, string>>;
  readonly voice: Voice;
  readonly boundIn: (received: Received) => unknown;
}

const AMAZON = {
  aws_region_name: "us-east-1",
  aws_access_key_id: "AKIATEST",
  aws_secret_access_key: "secret",
};

export const FOREIGN = {
  anthropic: {
    params: { model: "anthropic/claude-sonnet-4-5", api_key: "k" },
    voice: ANTHROPIC,
    boundIn: ({ body }) => body["max_tokens"],
  },
  gemini: {
    params: { model: "gemini/gemini-2.5-flash", api_key: "k" },
    voice: GEMINI,
    boundIn: ({ body }) => at(body["generationConfig"], "maxOutputTokens"),
  },
  vertex: {
    params: { model: "vertex_ai/gemini-2.5-flash", api_key: "k" },
    voice: GEMINI,
    boundIn: ({ body }) => at(body["generationConfig"], "maxOutputTokens"),
  },
  bedrock: {
    params: { model: "bedrock/amazon.nova-2-lite-v1:0", ...AMAZON },
    voice: CONVERSE,
    boundIn: ({ body }) => at(body["inferenceConfig"], "maxTokens"),
  },
  bedrock_claude: {
    params: { model: "bedrock/anthropic.claude-sonnet-4-20250514-v1:0", ...AMAZON },
    voice: CONVERSE,
    boundIn: ({ body }) => at(body["inferenceConfig"], "maxTokens"),
  },
  cohere: {
    params: { model: "cohere/command-a-reasoning-08-2025", api_key: "k" },
    voice: COHERE,
    boundIn: ({ body }) => body["max_tokens"],
  },
} satisfies Readonly<Record<string, Foreign>>;

/** A model of each, by these names, at this address. */
export function foreignModels(origin: string): readonly unknown[] {
  return Object.entries(FOREIGN).map(([name, { params }]) => ({
    model_name: name,
    litellm_params: { ...params, api_base: origin },
    model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
  }));
}

export type ForeignName = keyof typeof FOREIGN;

function at(value: unknown, field: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[field];
}
