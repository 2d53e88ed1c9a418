/** LiteLLM's keys that decide who may call, who is charged and how much, and that Purser cannot follow yet. */

import { isObject, type Json } from "../platform/json.ts";
import type { SectionName } from "./keys.ts";
import { UNSUPPORTED_PRICES } from "./unsupported-prices.ts";
import { isList } from "./value.ts";
import { words } from "./words.ts";

/** Ignoring one would let through, or charge otherwise, what LiteLLM would not; so it is a mistake, not a remark. */
interface UnsupportedGroup {
  /** What would happen if the key were ignored. */
  readonly otherwise: string;
  readonly cure: string;
  readonly keys: readonly string[];
  /** Whether this value asks for what Purser cannot do. */
  readonly asks: (value: Json) => boolean;
}

/** Callbacks and checks of LiteLLM that refuse calls: nobody may believe that they run. */
const ENFORCING = words(`
  azure_content_safety banned_keywords detect_prompt_injection
  dynamic_rate_limiter dynamic_rate_limiter_v3 google_text_moderation hide_secrets
  lakera_prompt_injection llamaguard_moderations llmguard_moderations max_budget_limiter
  openai_moderations presidio enforce_model_rate_limits router_budget_limiting
`);

const PRICES = UNSUPPORTED_PRICES.map((group) => ({
  ...group,
  otherwise: "calls would be charged by other prices",
  asks: asksForSomething,
}));

export const UNSUPPORTED: Readonly<Record<SectionName, readonly UnsupportedGroup[]>> = {
  config: [
    {
      otherwise: "calls would pass unguarded",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("guardrails policies"),
    },
    {
      otherwise: "the settings of the other file would be missing",
      cure: "copy them into this file",
      asks: asksForSomething,
      keys: words("include"),
    },
  ],
  deployment: [],
  litellm_params: [
    ...PRICES,
    {
      otherwise: "the deployment could spend without a cap",
      cure: "remove it",
      asks: isGiven,
      keys: words("max_budget budget_duration"),
    },
    {
      otherwise: "calls would go out with other credentials",
      cure: "set api_key",
      asks: asksForSomething,
      keys: words(`
        azure_ad_token azure_username azure_password azure_scope tenant_id client_id client_secret
        litellm_credential_name`),
    },
    {
      otherwise: "the model would really be called",
      cure: "use a model of the provider fake",
      asks: asksForSomething,
      keys: words("mock_response mock_timeout"),
    },
    {
      otherwise: "calls would go to another provider",
      cure: "write it before the model: <provider>/<model>",
      asks: asksForSomething,
      keys: words("custom_llm_provider"),
    },
  ],
  model_info: [
    ...PRICES,
    {
      otherwise: "every caller could use the deployment",
      cure: "remove the deployment, or this key",
      asks: asksForSomething,
      keys: words("team_id team_public_model_name blocked access_windows"),
    },
  ],
  general_settings: [
    {
      otherwise: "calls that name no customer would pass",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("enforced_params service_account_settings"),
    },
    {
      otherwise: "callers would be identified by keys alone",
      cure: "remove it, and give each caller a key",
      asks: asksForSomething,
      keys: words(`
        enable_jwt_auth litellm_jwtauth enable_oauth2_auth enable_oauth2_proxy_auth
        oauth2_config_mappings custom_auth allow_user_auth litellm_key_header_name
        role_permissions`),
    },
    {
      otherwise: "calls would pass that LiteLLM refuses",
      cure: "remove it; what a key or a customer may do is set at the key or its budget",
      asks: asksForSomething,
      keys: words(`
        allowed_ips allowed_routes admin_only_routes public_routes default_team_disabled
        max_parallel_requests global_max_parallel_requests`),
    },
    {
      otherwise: "bodies of another size would pass",
      cure: "set request_bytes_max",
      asks: asksForSomething,
      keys: words("max_request_size_mb max_response_size_mb"),
    },
    {
      otherwise: "calls would go to the model that the client names, at its price",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("completion_model embedding_model"),
    },
  ],
  litellm_settings: [
    {
      otherwise: "spend would have no such cap",
      cure: "remove it; max_end_user_budget_id names the budget of customers without one",
      asks: isGiven,
      keys: words(`
        max_budget budget_duration max_user_budget max_internal_user_budget
        default_max_internal_user_budget internal_user_budget_duration tag_budget_config`),
    },
    {
      otherwise: "calls would pass that LiteLLM refuses",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("banned_keywords_list"),
    },
    {
      otherwise: "calls would pass that LiteLLM refuses",
      cure: "remove what refuses calls from the list",
      asks: namesEnforcing,
      keys: words("callbacks"),
    },
    {
      otherwise: "calls would pass that LiteLLM refuses",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("guardrails priority_reservation priority_reservation_settings"),
    },
    {
      otherwise: "customers would be charged all the same",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("disable_end_user_cost_tracking"),
    },
    {
      otherwise: "keys would be created without these limits",
      cure: "remove it, and send the limits with POST /key/generate",
      asks: asksForSomething,
      keys: words(
        "default_key_generate_params upperbound_key_generate_params key_generation_settings",
      ),
    },
  ],
  export: [],
  router_settings: [
    {
      otherwise: "spend at a provider would have no such cap",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("provider_budget_config"),
    },
    {
      otherwise: "calls would pass that LiteLLM refuses",
      cure: "remove what refuses calls from the list",
      asks: namesEnforcing,
      keys: words("optional_pre_call_checks"),
    },
    {
      otherwise: "calls would pass that LiteLLM refuses",
      cure: "remove it",
      asks: asksForSomething,
      keys: words("default_max_parallel_requests enable_tag_filtering guardrail_list"),
    },
  ],
  price: [],
  price_tier: [],
  price_service: [],
  price_fallback: [],
  margin: [],
};

/** Off, empty and zero ask for nothing. */
export function asksForSomething(value: Json): boolean {
  if (isList(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return !["", "false", "no", "off", "0", "null"].includes(String(value).toLowerCase());
}

/** A cap of 0 is a cap. */
function isGiven(value: Json): boolean {
  return value !== null;
}

function namesEnforcing(value: Json): boolean {
  return isList(value) && ENFORCING.some((name) => value.includes(name));
}
