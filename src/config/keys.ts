/** Every key, variable and flag that Purser reads; the reader and docs/configuration.md both go by these tables. */

import { ALERT_TYPES } from "./alert-types.ts";
import { DEFAULTS } from "./defaults.ts";
import { EXPORT_KEYS } from "./export-keys.ts";
import { CUSTOMER_KEYS, LITELLM_CUSTOMER_KEYS } from "./customer-keys.ts";
import { parseDatabase } from "./database.ts";
import { DEADLINE_KEYS } from "./deadline-keys.ts";
import type { Keys } from "./key.ts";
import { parseNetwork } from "./network.ts";
import { MARGIN_KEYS, OWN_PRICE_KEYS, PRICE_KEYS } from "./price-keys.ts";
import {
  CLOUD_KEYS,
  ROUTER_KEYS,
  SHARE_KEYS,
  SHARED_ROUTER_KEYS,
  timeout,
} from "./routing-keys.ts";
import {
  parseAlertChannel,
  parseCredential,
  parseMasterKey,
  parseModelName,
  parseRegion,
  parseResetTime,
  parseWebhookSecret,
  parseZone,
} from "./settings.ts";
import {
  listOf,
  oneOf,
  parseAmount,
  parseHttpUrl,
  parseId,
  parseList,
  parseMapping,
  parseText,
  wholeNumber,
} from "./value.ts";

/** A body is also a string for a moment, and V8 has none of twice this length. */
const REQUEST_BYTES_MAX = 256 * 1024 * 1024;

/** The parts of the file that hold keys, by the name that their mistakes are found under. */
export const KEYS = {
  config: {
    model_list: {
      parse: parseList,
      about: "The deployments.",
      required: "add it with at least one deployment",
    },
    general_settings: { parse: parseMapping, about: "See below." },
    litellm_settings: { parse: parseMapping, about: "See below." },
    router_settings: { parse: parseMapping, about: "See below." },
    environment_variables: {
      parse: parseMapping,
      about: "Variables for the rest of the file; they win over the real environment.",
    },
  },
  deployment: {
    model_name: {
      parse: parseModelName,
      about: "The name that clients ask for. Several entries of one name share its calls.",
      required: "add the name that clients ask for",
    },
    litellm_params: {
      parse: parseMapping,
      about: "Where the calls go.",
      required: "add it with model: <provider>/<model>",
    },
    model_info: { parse: parseMapping, about: "What is known of the model." },
  },
  litellm_params: {
    model: {
      parse: parseModelName,
      about: "`<provider>/<model>`; without a known provider it is `openai`.",
      required: "add model: <provider>/<model>",
    },
    api_base: {
      parse: parseHttpUrl,
      about: "Address of the provider's API.",
      default: "the provider's own",
    },
    base_url: { parse: parseHttpUrl, about: "Another name for `api_base`." },
    api_key: {
      parse: parseCredential,
      about: "The provider's key.",
      default: "the provider's variable, see below",
      secret: true,
    },
    api_version: {
      parse: parseText,
      about: "Azure's version of its API.",
      default: "`AZURE_API_VERSION`",
    },
    base_model: { parse: parseText, about: "As in `model_info`." },
    ...SHARE_KEYS,
    timeout: timeout("For a call in one piece; `call_timeout` bounds it, too."),
    stream_timeout: timeout("Until a stream begins."),
    region_name: {
      parse: parseRegion,
      about: "Where the deployment is: `eu` or `us` serves customers who are kept to that region.",
    },
    ...CLOUD_KEYS,
    ...PRICE_KEYS,
  },
  model_info: {
    id: {
      parse: parseId,
      about: "Name of the deployment in headers, postings and logs; unique.",
      default: "a hash of the entry",
    },
    base_model: {
      parse: parseText,
      about: "The model whose list price applies, where `model` is a private name.",
    },
    region_name: { parse: parseRegion, about: "As in `litellm_params`." },
    mode: { parse: parseText, about: "`embedding` needs no output price." },
    max_output_tokens: {
      parse: wholeNumber({ min: 1, max: 1e9, what: "a whole number", example: 4096 }),
      about: "What the model can answer with at most; bounds what a call can cost.",
      default: "from the price list",
    },
    max_input_tokens: {
      parse: wholeNumber({ min: 1, max: 1e9, what: "a whole number", example: 128_000 }),
      about: "The longest input that the model takes; bounds what a call can cost.",
    },
    prices: { parse: parseList, about: "The model's prices in Purser's own keys, see below." },
    ...PRICE_KEYS,
  },
  general_settings: {
    master_key: {
      parse: parseMasterKey,
      about: "The key of the administrator; begins with `sk-`.",
      default: "`PURSER_MASTER_KEY` or `LITELLM_MASTER_KEY`",
      secret: true,
    },
    database_url: {
      parse: parseDatabase,
      about: "`sqlite:<file>` or `postgres://user:password@host:5432/name`.",
      default: "`DATABASE_URL`, else `sqlite:purser.db` in the working directory",
      secret: true,
    },
    alerting: {
      parse: listOf(parseAlertChannel),
      about:
        '`"webhook"` sends customer events to `WEBHOOK_URL`, `"slack"` those of budgets to `SLACK_WEBHOOK_URL`.',
      default: "`[]`",
    },
    alert_types: {
      parse: listOf(oneOf(ALERT_TYPES)),
      about:
        "Which events these get: `budget_alerts` for those of budgets, or single ones such as `budget.crossed`.",
      default: "all",
    },
    webhook_event_group: {
      parse: oneOf(["customer", "end_user"]),
      about: "How `event_group` of a customer's event is spelt to `WEBHOOK_URL`.",
      default: "`customer`",
    },
    webhook_networks: {
      parse: listOf(parseNetwork),
      about:
        "Networks besides the open Internet that endpoints made through the API may be in, as `10.1.0.0/16`.",
      default: "`[]`",
    },
    exports: {
      parse: parseList,
      about: "Billing systems that are told of every charge, see below.",
      default: "`[]`",
    },
    budget_exceeded_status: {
      parse: oneOf([400, 402, 422, 429]),
      about: "HTTP status of a call that the budget cannot pay for.",
      default: `\`${DEFAULTS.exceededStatus}\``,
    },
    unsettled_charge: {
      parse: oneOf(["waive", "input", "ceiling"]),
      about:
        "Charge of a call whose instance died: what failed attempts cost, or its input can, or all it held.",
      default: `\`${DEFAULTS.unsettledCharge}\``,
    },
    hide_amounts: {
      parse: oneOf([true, false]),
      about:
        "Refusals and headers tell amounts of money to whoever has the master key and to nobody else.",
      default: `\`${DEFAULTS.hideAmounts}\``,
    },
    unpriced_fallback: {
      parse: parseMapping,
      about: "What calls of deployments without a price cost until it is known, see below.",
      default: "nothing, and customers with a money limit are refused",
    },
    request_bytes_max: {
      parse: wholeNumber({
        min: 1024,
        max: REQUEST_BYTES_MAX,
        what: "a whole number of bytes",
        example: DEFAULTS.requestBytesMax,
      }),
      about: "Longest body of a call, in bytes.",
      default: `\`${DEFAULTS.requestBytesMax}\``,
    },
    ...DEADLINE_KEYS,
    log_level: { ...logLevel(), default: `\`LOG_LEVEL\`, else \`${DEFAULTS.logLevel}\`` },
    ...CUSTOMER_KEYS,
  },
  export: EXPORT_KEYS,
  litellm_settings: {
    cost_margin_config: {
      parse: parseMapping,
      about:
        "What customers are charged above the cost, by provider or `global`: a fraction, or two parts.",
    },
    cost_discount_config: {
      parse: parseMapping,
      about: "What a provider takes off its prices for you, by provider: a fraction.",
    },
    max_end_user_budget_id: {
      parse: parseId,
      about: "The budget of customers that have none of their own.",
    },
    max_end_user_budget: {
      parse: parseAmount,
      about: "Dollars, all in all, of every customer for whom no other budget is found.",
    },
    include_cost_in_streaming_usage: {
      parse: oneOf([true, false]),
      about:
        "The usage that a stream ends with tells the cost, and what is left; if not, a comment tells the cost.",
      default: `\`${DEFAULTS.costInUsage}\``,
    },
    timezone: {
      parse: parseZone,
      about: "IANA name of the zone whose midnight budgets are reset at, unless they name another.",
      default: `\`${DEFAULTS.place.zone}\``,
    },
    budget_reset_time: {
      parse: parseResetTime,
      about: "Local time at which budget periods of whole days begin.",
      default: `\`"${DEFAULTS.place.resetTime}"\``,
    },
    ...LITELLM_CUSTOMER_KEYS,
    ...SHARED_ROUTER_KEYS,
    request_timeout: timeout("As `timeout` in `router_settings`."),
  },
  router_settings: ROUTER_KEYS,
  ...OWN_PRICE_KEYS,
  margin: MARGIN_KEYS,
} satisfies Readonly<Record<string, Keys>>;

export type SectionName = keyof typeof KEYS;

export const VARIABLES = {
  PURSER_MASTER_KEY: { parse: parseMasterKey, about: "The master key.", secret: true },
  LITELLM_MASTER_KEY: {
    parse: parseMasterKey,
    about: "The master key, if `PURSER_MASTER_KEY` is not set.",
    secret: true,
  },
  DATABASE_URL: { parse: parseDatabase, about: "As `database_url`.", secret: true },
  LOG_LEVEL: logLevel(),
  WEBHOOK_URL: { parse: parseHttpUrl, about: "Where customer events are sent.", secret: true },
  SLACK_WEBHOOK_URL: {
    parse: parseHttpUrl,
    about: "Where budget events are sent in Slack's form.",
    secret: true,
  },
  WEBHOOK_SECRET: {
    parse: parseWebhookSecret,
    about:
      "Signs deliveries as Standard Webhooks do: `whsec_` and 24 to 64 bytes in base64. Unsigned without it.",
    secret: true,
  },
  AWS_REGION: { parse: parseText, about: "As `aws_region_name`." },
  AZURE_API_VERSION: { parse: parseText, about: "As `api_version`." },
} satisfies Keys;

function logLevel() {
  return {
    parse: oneOf(["silent", "fatal", "error", "warn", "info", "debug", "trace"]),
    about: "The least serious lines that are logged.",
  } as const;
}
