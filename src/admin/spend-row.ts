/** A posting as a row of LiteLLM's spend log. Prompts and answers are never stored, so they are never shown. */

import type { FailedAttempt, PostingKind } from "../ledger/book.ts";
import type { KeyOwner, NumberedPosting } from "../ledger/spend.ts";
import { jsonUsd } from "../money/amount.ts";
import { inputTokens, outputTokens } from "../money/usage.ts";

/** LiteLLM's names for what a route does; any other route is called by its own. */
const CALL_TYPES: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "acompletion",
  "/v1/completions": "atext_completion",
  "/v1/embeddings": "aembedding",
  "/v1/moderations": "amoderation",
  "/v1/images/generations": "aimage_generation",
  "/v1/images/edits": "aimage_edit",
  "/v1/audio/speech": "aspeech",
  "/v1/audio/transcriptions": "atranscription",
  "/v1/responses": "aresponses",
  "/v1/rerank": "arerank",
  "/v1/messages": "anthropic_messages",
};

export type RowStatus = "success" | "failure";

/** The kinds of posting that a row of this status can be. */
export const KINDS_OF: Readonly<Record<RowStatus, readonly PostingKind[]>> = {
  success: ["settled", "adjusted", "reset"],
  failure: ["released", "unsettled"],
};

export function spendRow(posting: NumberedPosting, owner: KeyOwner | undefined): unknown {
  const { id, at, keyHash, customer, facts, usage } = posting;
  const [prompt, completion] = [inputTokens(usage), outputTokens(usage)];
  const began = beganAt(posting);
  return {
    request_id: id,
    call_type: callType(posting),
    api_key: keyHash,
    spend: jsonUsd(posting.charge),
    total_tokens: prompt + completion,
    prompt_tokens: prompt,
    completion_tokens: completion,
    startTime: iso(began),
    endTime: iso(at),
    request_duration_ms: at - began,
    completionStartTime: null,
    model: facts.model,
    model_id: facts.deployment,
    model_group: facts.model,
    custom_llm_provider: facts.provider,
    api_base: "",
    user: owner?.userId ?? "",
    metadata: metadataOf(posting, owner),
    cache_hit: "False",
    cache_key: "Cache OFF",
    request_tags: [],
    team_id: owner?.teamId ?? null,
    organization_id: null,
    end_user: customer ?? "",
    requester_ip_address: null,
    messages: {},
    response: {},
    session_id: null,
    status: KINDS_OF.failure.includes(posting.kind) ? "failure" : "success",
    mcp_namespaced_tool_name: null,
    agent_id: null,
    proxy_server_request: {},
  };
}

function callType({ kind, facts }: NumberedPosting): string {
  if (facts.route === "") return kind;
  return CALL_TYPES[facts.route] ?? facts.route;
}

/** Beyond LiteLLM's: what kind of posting it is, who counted, every part of the usage, what went wrong and where. */
function metadataOf(posting: NumberedPosting, owner: KeyOwner | undefined): unknown {
  const { kind, source, usage, facts, note } = posting;
  return {
    user_api_key_alias: owner?.alias ?? facts.keyAlias,
    user_api_key_team_id: owner?.teamId ?? null,
    kind,
    usage_source: source,
    usage,
    cost: jsonUsd(posting.cost),
    note,
    ...(facts.attempts === undefined ? {} : { attempts: facts.attempts.map(attemptOf) }),
  };
}

function attemptOf({ billed, ...attempt }: FailedAttempt): unknown {
  if (billed === undefined) return { ...attempt, cost: 0 };
  const { cost, source, usage, unpriced } = billed;
  return { ...attempt, cost: jsonUsd(cost), usage_source: source, usage, unpriced };
}

/** The id of a call is made when it comes in, and its first 48 bits are the milliseconds of that moment (RFC 9562). */
function beganAt({ id, at }: NumberedPosting): number {
  if (!UUID_OF_TIME.test(id)) return at;
  const began = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  // An id can come from another clock, and the log has no row that ends before it begins.
  return Math.min(began, at);
}

const UUID_OF_TIME = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/;

function iso(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString({ fractionalSecondDigits: 3 });
}
