/** What the settings about customers may hold. */

import { readFileSync } from "node:fs";
import type { NewCustomers } from "../ledger/command.ts";
import { isObject } from "../platform/json.ts";
import { fit, isList, listOf, misfit, oneOf, parseId, parseText, wholeNumber } from "./value.ts";
import type { Parse } from "./value.ts";

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const FIELD_PATH = /^[^.]+(\.[^.]+)*$/;

/** 128 bits in hex are 32 characters, in base64 22; less than this is a word that can be guessed. */
const SECRET_CHARS_MIN = 16;

/** LiteLLM's roles. All but `customer` are people of the operator's. */
const CUSTOMER_ROLE = "customer";
const parseRole = oneOf([
  CUSTOMER_ROLE,
  "internal_user",
  "internal_user_viewer",
  "proxy_admin",
  "proxy_admin_viewer",
  "org_admin",
  "team",
]);

/** Names of headers do not depend on letter case; Node gives them in lower case. */
export const parseHeaderName: Parse<string> = (value) => {
  const text = parseText(value);
  if (!text.ok) return text;
  return HEADER_NAME.test(text.value)
    ? fit(text.value.toLowerCase())
    : misfit("cannot be the name of a header", "write for example x-app-user");
};

/** The names of the headers that customers are named by. */
export const parseHeaderMappings: Parse<readonly string[]> = (value) => {
  const mappings = listOf(parseHeaderMapping)(isObject(value) ? [value] : value);
  return mappings.ok ? fit(mappings.value.filter((name) => name !== null)) : mappings;
};

/** Null where the header names somebody else. */
const parseHeaderMapping: Parse<string | null> = (value) => {
  const { header_name = null, litellm_user_role = null, ...others } = isObject(value) ? value : {};
  const [other] = Object.keys(others);
  if (other !== undefined) return misfit(`has an unknown key ${other}`, "remove it");
  const role = parseRole(litellm_user_role);
  const cure = "write litellm_user_role: customer";
  if (!role.ok) return misfit("has no known litellm_user_role", cure);
  const name = parseHeaderName(header_name);
  if (!name.ok) return misfit("names no header", "write header_name: x-app-user");
  return fit(role.value === CUSTOMER_ROLE ? name.value : null);
};

/** Whoever writes a pattern means the whole id by it: one that fits anywhere would let any junk through. */
export const parseIdPattern: Parse<RegExp> = (value) => {
  const text = parseText(value);
  if (!text.ok) return text;
  try {
    // By itself first: "a)|(b" is a pattern only between the brackets, and would break out of them.
    const { source } = new RegExp(text.value, "u");
    return fit(new RegExp(`^(?:${source})$`, "u"));
  } catch {
    return misfit("is not a regular expression", "write for example [a-z0-9_-]+, in quotes");
  }
};

export const parseFieldPath: Parse<readonly string[]> = (value) => {
  const text = parseText(value);
  if (!text.ok) return text;
  if (FIELD_PATH.test(text.value)) return fit(text.value.split("."));
  return misfit("is not a path of fields", "write for example account.id");
};

export const parseAutoCreate: Parse<NewCustomers> = (value) => {
  const flag = oneOf([true, false])(value);
  if (flag.ok) return fit({ allowed: flag.value, perMinuteMax: null });
  const bounds = { min: 1, max: 1e9, what: "true, false or a whole number", example: 60 };
  const count = wholeNumber(bounds)(value);
  return count.ok ? fit({ allowed: true, perMinuteMax: count.value }) : count;
};

export const parseUserSecret: Parse<string> = (value) => {
  const text = parseText(value);
  if (!text.ok || text.value.length >= SECRET_CHARS_MIN) return text;
  const cure = "make one with: openssl rand -base64 32";
  return misfit(`has fewer than ${SECRET_CHARS_MIN} characters`, cure);
};

export const parseBlockedList: Parse<readonly string[]> = (value) => {
  if (isList(value)) return listOf(parseId)(value);
  const file = parseText(value);
  if (!file.ok) return misfit("is neither a list nor the path of a file", "write it as [a, b]");
  try {
    const lines = readFileSync(file.value, "utf8").split(/\r?\n/);
    return fit(lines.map((line) => line.trim()).filter((line) => line !== ""));
  } catch {
    return misfit("names a file that cannot be read", "correct the path, or write [a, b]");
  }
};
