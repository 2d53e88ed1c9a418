/** The keys by which an operator decides how calls name their customer. */

import { DEFAULTS } from "./defaults.ts";
import type { Keys } from "./key.ts";
import {
  parseAutoCreate,
  parseBlockedList,
  parseFieldPath,
  parseHeaderMappings,
  parseHeaderName,
  parseIdPattern,
  parseUserSecret,
} from "./customer-settings.ts";
import { oneOf, wholeNumber } from "./value.ts";

const { idCharsMax } = DEFAULTS.customers;

export const CUSTOMER_KEYS = {
  user_header_mappings: {
    parse: parseHeaderMappings,
    about:
      "List of `{header_name, litellm_user_role}`: headers of role `customer` name it, in this order.",
    default: "`[]`",
  },
  user_header_name: {
    parse: parseHeaderName,
    about: "One such header, if `user_header_mappings` has none of the role `customer`.",
  },
  enforce_user_param: {
    parse: oneOf([true, false]),
    about: "Whether a call without `user` in its body is refused. A header does not stand for it.",
    default: "`false`",
  },
  customer_id_chars_max: {
    parse: wholeNumber({ min: 1, max: idCharsMax, what: "a whole number", example: 64 }),
    about: "Longest customer id that a call may name.",
    default: `\`${idCharsMax}\``,
  },
  customer_id_pattern: {
    parse: parseIdPattern,
    about:
      "A regular expression that the whole of a customer id must match; a call with another is refused.",
  },
  customer_id_json_field: {
    parse: parseFieldPath,
    about:
      "Where an id in JSON holds the real one: `account.id`. Without it such an id names nobody.",
  },
  customer_auto_create: {
    parse: parseAutoCreate,
    about:
      "Whether calls may make customers: `true`, `false`, or how many they may make in a minute.",
    default: "`true`",
  },
  upstream_user: {
    parse: oneOf(["pass", "hash", "strip"]),
    about:
      "What the provider is told of who calls: what the client said, an HMAC-SHA256 of it, or nothing.",
    default: "`pass`",
  },
  upstream_user_secret: {
    parse: parseUserSecret,
    about: "What `upstream_user: hash` hashes with; at least 16 characters.",
    secret: true,
  },
} satisfies Keys;

export const LITELLM_CUSTOMER_KEYS = {
  validate_end_user_id_in_db: {
    parse: oneOf([true, false]),
    about:
      "Whether an unknown id names nobody; with `max_end_user_budget_id` it makes a customer all the same.",
    default: "`false`",
  },
  blocked_user_list: {
    parse: parseBlockedList,
    about: "Customers whose calls are refused: a list, or the path of a file with one id a line.",
    default: "`[]`",
  },
} satisfies Keys;
