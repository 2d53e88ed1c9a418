/** How calls name their customer, as far as the operator decides it. */

import type { NewCustomers } from "../ledger/command.ts";
import type { CustomersConfig, UpstreamUser } from "./config.ts";
import { DEFAULTS } from "./defaults.ts";
import type { Values } from "./key.ts";
import type { KEYS } from "./keys.ts";
import { addMistake, addWarning, inside, type Scope } from "./scope.ts";

type General = Values<(typeof KEYS)["general_settings"]>;
type Litellm = Values<(typeof KEYS)["litellm_settings"]>;

export function customersOf(general: General, litellm: Litellm, scope: Scope): CustomersConfig {
  return {
    headers: headersOf(general),
    idCharsMax: general.customer_id_chars_max ?? DEFAULTS.customers.idCharsMax,
    idPattern: general.customer_id_pattern,
    idJsonPath: general.customer_id_json_field,
    enforceUser: general.enforce_user_param ?? false,
    dropsUnknown: litellm.validate_end_user_id_in_db ?? false,
    blocked: new Set(litellm.blocked_user_list ?? []),
    upstreamUser: upstreamUserOf(general, inside(scope, "general_settings")),
  };
}

/** LiteLLM keeps unknown ids where a default budget bounds what they can spend. */
export function newCustomersOf(general: General, litellm: Litellm): NewCustomers {
  const { allowed, perMinuteMax } = general.customer_auto_create ?? DEFAULTS.newCustomers;
  const mustExist =
    litellm.validate_end_user_id_in_db === true && litellm.max_end_user_budget_id === null;
  return { allowed: allowed && !mustExist, perMinuteMax };
}

/** The older setting counts only where the newer one names no customer. */
function headersOf({ user_header_mappings, user_header_name }: General): readonly string[] {
  const mapped = user_header_mappings ?? [];
  return mapped.length === 0 && user_header_name !== null ? [user_header_name] : mapped;
}

function upstreamUserOf(
  { upstream_user: mode, upstream_user_secret: secret }: General,
  scope: Scope,
): UpstreamUser {
  const here = inside(scope, "upstream_user_secret");
  if (mode === "hash" && secret !== null) return { mode, secret };
  if (mode === "hash") addMistake(here, "is missing", "make one with: openssl rand -base64 32");
  else if (secret !== null) addWarning(here, "has no effect without upstream_user: hash");
  return { mode: mode === "strip" ? mode : "pass" };
}
