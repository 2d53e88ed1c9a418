/** LiteLLM's keys that Purser accepts and does not act on, each with the reason. */

import type { SectionName } from "./keys.ts";
import { words } from "./words.ts";

interface IgnoredGroup {
  readonly reason: string;
  /** Whoever set such a key will miss what it did, and is warned. */
  readonly missed: boolean;
  readonly keys: readonly string[];
}

const ADDED_PARAMETERS = "parameters that a deployment adds to every body are not built yet";
const ONLY_CALLS = "only model calls are built yet; other paths answer 404";
const NO_BATCHES = "batches are not served";
const STORAGE = "what is stored between calls is no part of a call";
const STORAGE_KEYS = "vector_store_cost_per_gb_per_day file_search_cost_per_gb_per_day";
const SEARCH_UNIT = "searches are counted as their provider bills them";
const OWN_CREDENTIALS = "clients cannot bring their own provider credentials";

export const IGNORED: Readonly<Record<SectionName, readonly IgnoredGroup[]>> = {
  config: [
    missed("callbacks to other services are not built yet", "callback_settings"),
    missed(
      ONLY_CALLS,
      `assistant_settings agent_list files_settings finetune_settings mcp_servers mcp_tools
       prompts search_tools vector_store_registry`,
    ),
    missed("each deployment names its own api_key", "credential_list default_vertex_config"),
  ],
  deployment: [missed("shares are read from litellm_params", "tpm rpm weight")],
  litellm_params: [
    missed("limits of one deployment are not built yet", "itpm otpm max_parallel_requests"),
    missed(
      "retries and cooldowns are the same for all deployments; see router_settings",
      "num_retries max_retries order cooldown_time tags tag_regex",
    ),
    missed(
      ADDED_PARAMETERS,
      `temperature top_p top_k max_tokens max_completion_tokens seed stop presence_penalty
       frequency_penalty response_format reasoning_effort thinking tools tool_choice extra_body
       extra_headers headers organization input_type dimensions encoding_format`,
    ),
    missed(
      "bodies pass through unchanged",
      `drop_params additional_drop_params modify_params allowed_openai_params
       merge_reasoning_content_in_choices supports_system_message use_chat_completions_api`,
    ),
    missed(
      "roles and profiles are not assumed; give a key, or run where AWS_ACCESS_KEY_ID is set",
      "aws_profile_name aws_session_name aws_role_name aws_web_identity_token",
    ),
    missed("it belongs to a provider that Purser does not speak to yet", "watsonx_region_name"),
    harmless(OWN_CREDENTIALS, "configurable_clientside_auth_params use_in_pass_through"),
    harmless(NO_BATCHES, "input_cost_per_token_batches output_cost_per_token_batches"),
    harmless(STORAGE, STORAGE_KEYS),
    harmless(SEARCH_UNIT, "web_search_billing_unit"),
  ],
  model_info: [
    harmless(
      "what a model can do is for its provider to say",
      `max_tokens supported_openai_params supported_endpoints litellm_provider
       supports_function_calling supports_parallel_function_calling supports_tool_choice
       supports_vision supports_reasoning supports_response_schema supports_system_messages
       supports_prompt_caching supports_audio_input supports_audio_output supports_pdf_input
       supports_web_search supports_native_streaming supports_assistant_prefill
       output_vector_size`,
    ),
    harmless("it is a remark", "description created_at created_by updated_at updated_by db_model"),
    harmless(NO_BATCHES, "input_cost_per_token_batches output_cost_per_token_batches"),
    harmless(STORAGE, STORAGE_KEYS),
    harmless(SEARCH_UNIT, "web_search_billing_unit"),
    missed("shares are read from litellm_params", "tpm rpm"),
    missed("access groups are not built yet; keys name their models", "access_groups"),
    missed(
      "health checks of providers are not built yet",
      "disable_background_health_check health_check_model health_check_timeout",
    ),
  ],
  general_settings: [
    harmless(
      "budget periods are computed from the clock; there is no reset job",
      `proxy_budget_rescheduler_min_time proxy_budget_rescheduler_max_time disable_reset_budget
       scheduled_job_stagger`,
    ),
    harmless(
      "spend is written in the call's own transaction",
      `proxy_batch_write_at use_redis_transaction_buffer disable_spend_logs disable_spend_updates
       disable_error_logs`,
    ),
    harmless(
      "every call is reserved in the ledger first; without the ledger none is forwarded",
      "fail_closed_budget_enforcement disable_budget_reservation allow_requests_on_db_unavailable",
    ),
    harmless(
      "nothing that a refusal depends on is cached",
      "user_api_key_cache_ttl coordination_redis",
    ),
    harmless(
      "Purser manages its connections and its tables by itself",
      `database_connection_pool_limit database_connection_timeout database_connect_timeout
       database_socket_timeout database_extra_connection_params disable_prisma_schema_update
       database_disable_prepared_statements`,
    ),
    harmless(
      "postings are the account and are never deleted",
      `maximum_spend_logs_retention_period maximum_spend_logs_retention_interval
       maximum_spend_logs_cleanup_cron maximum_spend_logs_cleanup_batch_size
       maximum_spend_logs_cleanup_max_batches use_spend_logs_partitioning`,
    ),
    harmless(
      "the configuration file is the only source of deployments",
      `store_model_in_db supported_db_objects proxy_config_reload_interval_seconds
       infer_model_from_keys`,
    ),
    harmless(
      "it belongs to LiteLLM's own user interface or licence",
      `ui_access_mode litellm_license enable_public_model_hub custom_sso plugins
       disable_master_key_return disable_adding_master_key_hash_to_db user_mcp_management_mode`,
    ),
    harmless("no rule depends on it", "use_x_forwarded_for reject_clientside_metadata_tags"),
    harmless(
      OWN_CREDENTIALS,
      "allow_client_side_credentials use_client_credentials_pass_through_routes",
    ),
    missed("prompts and answers are never stored", "store_prompts_in_spend_logs"),
    missed(
      "secrets come from the environment",
      "key_management_system key_management_settings use_google_kms use_azure_key_vault",
    ),
    missed(
      "each event is sent once, and to one address",
      "alerting_args alerting_threshold alert_to_webhook_url spend_report_frequency",
    ),
    missed(
      "health checks of providers are not built yet",
      `background_health_checks health_check_interval health_check_details
       health_check_concurrency`,
    ),
    missed(
      ONLY_CALLS,
      `pass_through_endpoints pass_through_request_timeout max_batch_file_size_mb
       proxy_batch_polling_interval image_generation_model moderation_model`,
    ),
    missed(
      "headers of the client are not forwarded yet",
      "forward_client_headers_to_llm_api forward_openai_org_id",
    ),
    missed("Python hooks and telemetry are not built", "custom_key_generate otel"),
    missed("on_disconnect says what becomes of such a call", "cancel_on_disconnect"),
    missed("it is not configurable yet", "disable_retry_on_max_parallel_request_limit_error"),
  ],
  litellm_settings: [
    missed(
      "callbacks to other services are not built yet",
      `callbacks success_callback failure_callback service_callbacks input_callback
       audit_log_callbacks store_audit_logs langfuse_default_tags s3_callback_params
       datadog_params prometheus_metrics_config custom_prometheus_metadata_labels
       custom_prometheus_tags extra_spend_tag_headers`,
    ),
    harmless(
      "prompts and answers are never logged; log_level sets how much else is",
      `set_verbose json_logs telemetry suppress_debug_info log_raw_request_response
       turn_off_message_logging redact_user_api_key_info redact_messages_in_exceptions
       disable_end_user_cost_tracking_prometheus_only
       enable_end_user_cost_tracking_prometheus_only`,
    ),
    missed(
      "bodies pass through unchanged",
      `drop_params modify_params enable_preview_features enable_json_schema_validation
       disable_hf_tokenizer_download disable_add_transform_inline_image_block
       disable_copilot_system_to_assistant`,
    ),
    missed("answers are not cached yet", "cache cache_params"),
    missed(
      "num_retries and fallbacks say how often and where a call is tried again",
      "num_retries_per_request max_fallbacks model_alias_map",
    ),
    missed(
      "certificates are always verified; NODE_EXTRA_CA_CERTS adds your own",
      "ssl_verify ssl_certificate",
    ),
    harmless(
      "Purser has an HTTP client of its own",
      `force_ipv4 use_aiohttp_transport disable_aiohttp_transport aiohttp_trust_env
       disable_aiohttp_trust_env`,
    ),
    missed(
      "teams, internal users and MCP are not built yet",
      `default_internal_user_params default_team_params default_team_settings mcp_aliases
       max_ui_session_budget public_model_groups enable_key_alias_format_validation`,
    ),
  ],
  export: [],
  router_settings: [
    missed(
      "num_retries and allowed_fails are the same for every kind of failure",
      `max_retries retry_policy model_group_retry_policy max_fallbacks allowed_fails_policy`,
    ),
    missed(
      "deployments are chosen by weight, and left alone while they fail",
      `routing_strategy routing_strategy_args routing_groups enable_pre_call_check weights
       optional_pre_call_checks default_priority polling_interval
       deployment_affinity_ttl_seconds ignore_invalid_deployments router_general_settings`,
    ),
    missed("model aliases are not built yet", "model_group_alias"),
    missed(ADDED_PARAMETERS, "default_litellm_params"),
    missed("answers are not cached yet", "cache_responses caching_groups cache_kwargs"),
    missed(ONLY_CALLS, "alerting_config assistants_config search_tools"),
    harmless(
      "instances share the ledger's database; no Redis is needed",
      "redis_url redis_host redis_port redis_password redis_db client_ttl",
    ),
    harmless("log_level sets how much is logged", "set_verbose debug_level"),
  ],
  price: [],
  price_tier: [],
  price_service: [],
  price_fallback: [],
  margin: [],
};

function missed(reason: string, keys: string): IgnoredGroup {
  return { reason, missed: true, keys: words(keys) };
}

function harmless(reason: string, keys: string): IgnoredGroup {
  return { reason, missed: false, keys: words(keys) };
}
