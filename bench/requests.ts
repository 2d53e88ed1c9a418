/** The calls that the load consists of. */

import type { Answer, BenchRequest } from "./load.ts";
import { writePrompt, type Script } from "./script.ts";
import type { Server } from "./server.ts";

export const MODEL = "bench-model";

export interface CallPlan {
  readonly customer: string;
  readonly stream: boolean;
  readonly script: Partial<Script>;
  readonly maxTokens?: number;
  /** Text before the prompt, as long conversations have. */
  readonly padding?: string;
}

export function call(server: Pick<Server, "headers">, plan: CallPlan): BenchRequest {
  return {
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", ...server.headers },
    body: JSON.stringify({
      model: MODEL,
      user: plan.customer,
      messages: [{ role: "user", content: (plan.padding ?? "") + writePrompt(plan.script) }],
      ...(plan.maxTokens === undefined ? {} : { max_tokens: plan.maxTokens }),
      ...(plan.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    }),
  };
}

export function embedding(server: Pick<Server, "headers">, customer: string): BenchRequest {
  return {
    path: "/v1/embeddings",
    headers: { "content-type": "application/json", ...server.headers },
    body: JSON.stringify({ model: MODEL, user: customer, input: EMBEDDED }),
  };
}

/** Sixteen paragraphs, as a batch of documents has. */
const EMBEDDED = Array.from({ length: 16 }, () =>
  "A purser keeps the accounts of a ship. ".repeat(12),
);

/** English words of four letters: with its space each is about a token. */
export function textOfTokens(tokens: number): string {
  return "ship ".repeat(tokens);
}

export interface AnsweredUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What a completely answered call used, from the answer itself; null if the client did not get all of it. */
export function usageOf(answer: Answer): AnsweredUsage | null {
  const text = answer.body.toString();
  const isStream = text.startsWith("data:");
  if (isStream ? !text.trimEnd().endsWith("data: [DONE]") : answer.status !== 200) return null;
  const found = /"usage":\{"prompt_tokens":(\d+),"completion_tokens":(\d+)/.exec(text);
  return found === null
    ? null
    : { promptTokens: Number(found[1]), completionTokens: Number(found[2]) };
}

/** The `type` of an OpenAI-shaped error. */
export function errorType(answer: Answer): string {
  return /"type":\s*"(\w+)"/.exec(answer.body.toString())?.[1] ?? "";
}

export function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}
