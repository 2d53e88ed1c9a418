/** What a prompt or an answer costs, by the prices and the tokenizer that calls are charged by. */

import { ApiError } from "../http/errors.ts";
import type { NanoUsd } from "../money/amount.ts";
import { cost } from "../money/price.ts";
import type { Usage } from "../money/usage.ts";
import type { Json } from "../platform/json.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { estimatedInputTokens } from "./tokens.ts";
import { usageOf } from "./usage.ts";

/** A prompt, or the usage block of an answer. */
type CostQuestion = { readonly model: string } & (
  { readonly messages: Json } | { readonly usage: Json }
);

type Pricing = Pick<Gateway, "deployments" | "prices" | "clock">;

/** Throws `model_not_found` and `unpriced_model` as a call would. */
export async function costOf(question: CostQuestion, pricing: Pricing): Promise<NanoUsd> {
  const { model } = question;
  const deployment = deploymentOf(model, pricing);
  if (deployment === undefined) {
    const message = `The model "${model.slice(0, 100)}" does not exist. See GET /v1/models.`;
    throw new ApiError("model_not_found", message, { param: "model" });
  }
  const usage = await usageIn(question, deployment.config.provider);
  const price = pricing.prices.priceOf(deployment.config, pricing.clock.now());
  if (price !== null) return cost(usage, price);
  throw new ApiError("unpriced_model", `The model "${model}" has no price.`, { param: "model" });
}

/** By the name that clients ask for, else by the provider's, which is what an answer bears. */
function deploymentOf(model: string, { deployments }: Pricing): Deployment | undefined {
  const [named] = deployments.get(model) ?? [];
  return named ?? [...deployments.values()].flat().find(({ config }) => config.model === model);
}

async function usageIn(question: CostQuestion, provider: string): Promise<Usage> {
  if ("messages" in question) {
    return { input: await estimatedInputTokens({ messages: question.messages }) };
  }
  const answer = question.usage;
  const counted = usageOf({ convention: "openai_chat", provider, answer, request: {} });
  if (counted !== undefined) return counted.usage;
  throw new ApiError("invalid_request", "The answer has no usage", {
    param: "completion_response",
  });
}
