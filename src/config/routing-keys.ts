/** The keys that say how calls are spread over deployments, and what a cloud asks for. */

import { isObject, type Json } from "../platform/json.ts";
import { DEFAULTS } from "./defaults.ts";
import type { Key, Keys } from "./key.ts";
import { parseCredential } from "./settings.ts";
import {
  fit,
  isList,
  listOf,
  misfit,
  oneOf,
  parseHttpUrl,
  parseText,
  seconds,
  wholeNumber,
  type Parse,
} from "./value.ts";

type Fallbacks = ReadonlyMap<string, readonly string[]>;

/** No call is a day long. */
const TIMEOUT_SECONDS_MAX = 86_400;
const RETRIES_MAX = 10;
const FAILURES_MAX = 1_000_000;
const SHARE_MAX = 1_000_000_000;

const { routing } = DEFAULTS;

/** Of one deployment. */
export const SHARE_KEYS = {
  weight: share("Its share of the calls of one `model_name`, against the other weights."),
  rpm: share("Its share where no `weight` is given; not a limit."),
  tpm: share("Its share where neither `weight` nor `rpm` is given; not a limit."),
} satisfies Keys;

export const CLOUD_KEYS = {
  aws_region_name: {
    parse: parseText,
    about: "Amazon's region.",
    default: "`AWS_REGION_NAME` or `AWS_REGION`",
  },
  aws_access_key_id: {
    parse: parseCredential,
    about: "Amazon's key, where `api_key` is not a Bedrock key.",
    default: "`AWS_ACCESS_KEY_ID`",
    secret: true,
  },
  aws_secret_access_key: {
    parse: parseCredential,
    about: "Its secret.",
    default: "`AWS_SECRET_ACCESS_KEY`",
    secret: true,
  },
  aws_session_token: {
    parse: parseCredential,
    about: "Its session, if it is temporary.",
    default: "`AWS_SESSION_TOKEN`",
    secret: true,
  },
  aws_bedrock_runtime_endpoint: { parse: parseHttpUrl, about: "Another name for `api_base`." },
  vertex_project: {
    parse: parseText,
    about: "Google's project.",
    default: "`VERTEXAI_PROJECT`, else the service account's",
  },
  vertex_location: {
    parse: parseText,
    about: "Google's location.",
    default: "`VERTEXAI_LOCATION`, else `us-central1`",
  },
  vertex_credentials: {
    parse: parseText,
    about: "Google's JSON, as of a service account, or the path of its file.",
    default: "`GOOGLE_APPLICATION_CREDENTIALS`, else what Google's own libraries find",
    secret: true,
  },
} satisfies Keys;

/** In `router_settings` and, after that, in `litellm_settings`. */
export const SHARED_ROUTER_KEYS = {
  num_retries: {
    parse: wholeNumber({ min: 0, max: RETRIES_MAX, what: "a whole number", example: 2 }),
    about: "Further tries after a failure, as long as nothing of an answer has been passed on.",
    default: "each other deployment once, and two at most",
  },
  fallbacks: { parse: parseFallbacks, about: "`[{model: [others]}]`, tried in order." },
  default_fallbacks: {
    parse: listOf(parseText),
    about: "For models that `fallbacks` do not name.",
  },
  context_window_fallbacks: {
    parse: parseFallbacks,
    about: "The same for an input that is too long.",
  },
  content_policy_fallbacks: {
    parse: parseFallbacks,
    about: "The same for an input that the provider's filter refused.",
  },
  allowed_fails: {
    parse: wholeNumber({ min: 0, max: FAILURES_MAX, what: "a whole number", example: 3 }),
    about: "Failures within a minute before a deployment is left alone.",
    default: `\`${routing.failuresAllowed}\``,
  },
  cooldown_time: {
    parse: seconds({ min: 0, max: TIMEOUT_SECONDS_MAX, example: routing.cooldownMs / 1000 }),
    about: "Seconds for which it is.",
    default: `\`${routing.cooldownMs / 1000}\``,
  },
} satisfies Keys;

export const ROUTER_KEYS = {
  ...SHARED_ROUTER_KEYS,
  retry_after: {
    parse: seconds({ min: 0, max: TIMEOUT_SECONDS_MAX, example: 1 }),
    about: "The least seconds before the same deployment is tried again.",
    default: `\`${routing.retryAfterMs / 1000}\``,
  },
  disable_cooldowns: { parse: oneOf([true, false]), about: "Leaves no deployment alone." },
  enable_pre_call_checks: {
    parse: oneOf([true, false]),
    about: "Passes over deployments whose `max_input_tokens` the input exceeds.",
    default: "`false`",
  },
  timeout: timeout("As in `litellm_params`, for deployments that name none."),
  stream_timeout: timeout("The same for streams."),
} satisfies Keys;

export function timeout(about: string): Key<number> {
  return {
    parse: seconds({ min: 0.001, max: TIMEOUT_SECONDS_MAX, example: 60 }),
    about: `Seconds. ${about}`,
    default: "`headers_timeout` and `call_timeout`",
  };
}

function share(about: string): Key<number> {
  return {
    parse: wholeNumber({ min: 0, max: SHARE_MAX, what: "a whole number", example: 1 }),
    about,
  };
}

/** LiteLLM's list of mappings with one entry each, `[{model: [other, …]}]`. */
function parseFallbacks(value: Json): ReturnType<Parse<Fallbacks>> {
  const entries = (isList(value) ? value : [value]).map(entriesOf);
  if (entries.some((entry) => entry === null)) {
    return misfit("is not a list of models and what stands in for them", "write [{a: [b, c]}]");
  }
  return fit(new Map(entries.flatMap((entry) => entry ?? [])));
}

function entriesOf(value: Json): readonly (readonly [string, readonly string[]])[] | null {
  if (!isObject(value)) return null;
  const entries = Object.entries(value).map(([name, list]) => [name, textsIn(list)] as const);
  if (entries.some(([, list]) => list === null)) return null;
  return entries.map(([name, list]) => [name, list ?? []] as const);
}

function textsIn(value: Json | undefined): readonly string[] | null {
  if (value === undefined || !isList(value)) return null;
  const texts = value.filter((item) => typeof item === "string");
  return texts.length === value.length ? texts : null;
}
