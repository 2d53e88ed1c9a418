/** Reads one mapping of the file by its table of keys, and accounts for every key that is not in the table. */

import type { Json, JsonObject } from "../platform/json.ts";
import { IGNORED } from "./ignored.ts";
import type { Key, Values } from "./key.ts";
import { KEYS, type SectionName } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { addIgnored, addMistake, addWarning, inside, variable, type Scope } from "./scope.ts";
import { asksForSomething, UNSUPPORTED } from "./unsupported.ts";
import { fit, isList, misfit, show, type Parsed } from "./value.ts";

/** How LiteLLM's files name a variable in place of a value. */
const REFERENCE = "os.environ/";

/** Where a known key that stands in the wrong place may belong, the likeliest first. */
const HOMES: ReadonlyMap<SectionName, string> = new Map([
  ["general_settings", "in general_settings"],
  ["litellm_settings", "in litellm_settings"],
  ["router_settings", "in router_settings"],
  ["litellm_params", "in litellm_params"],
  ["model_info", "in model_info"],
  ["deployment", "in an entry of model_list"],
  ["export", "in an entry of general_settings.exports"],
  ["config", "at the top of the file"],
]);

export function readSection<Name extends SectionName>(
  section: Name,
  given: JsonObject,
  scope: Scope,
): Values<(typeof KEYS)[Name]> {
  for (const name of Object.keys(given).filter((key) => !Object.hasOwn(KEYS[section], key))) {
    accountFor({ section, name, value: given[name] ?? null }, inside(scope, name));
  }
  const values = Object.entries<Key<unknown>>(KEYS[section]).map(([name, key]) => {
    const value = Object.hasOwn(given, name) ? given[name] : null;
    return [name, readKey(key, value ?? null, inside(scope, name))] as const;
  });
  return Object.fromEntries(values) as Values<(typeof KEYS)[Name]>;
}

/** Null if the variable is not set, or is set to a mistake. */
export function readVariable<T>(name: string, key: Key<T>, scope: Scope): T | null {
  return readKey(key, variable(scope.variables, name) ?? null, { ...scope, path: name });
}

/** Null if there is no value, or the value is a mistake. */
export function readKey<T>(key: Key<T>, value: Json, scope: Scope): T | null {
  if (value === null) {
    if (key.required !== undefined) addMistake(scope, "is missing", key.required);
    return null;
  }
  const resolved = resolve(value, scope);
  const parsed = resolved.ok ? key.parse(resolved.value) : resolved;
  return accept(parsed, key.secret === true ? "" : `${show(value)} `, scope);
}

/** The value, or null and a mistake, whose sentence begins with the subject. */
export function accept<T>(parsed: Parsed<T>, subject: string, scope: Scope): T | null {
  if (parsed.ok) return parsed.value;
  addMistake(scope, subject + parsed.problem, parsed.cure);
  return null;
}

/** Every name that is known in a section, read or not. */
export function namesIn(section: SectionName): readonly string[] {
  const groups = [...IGNORED[section], ...UNSUPPORTED[section]];
  return [...Object.keys(KEYS[section]), ...groups.flatMap(({ keys }) => keys)];
}

interface OtherKey {
  readonly section: SectionName;
  readonly name: string;
  readonly value: Json;
}

/** LiteLLM's keys have their tables; any other is a mistake. */
function accountFor({ section, name, value }: OtherKey, scope: Scope): void {
  const unsupported = UNSUPPORTED[section].find(({ keys }) => keys.includes(name));
  const ignored = IGNORED[section].find(({ keys }) => keys.includes(name));
  if (unsupported?.asks(value) === true) {
    const problem = `not supported yet, and without it ${unsupported.otherwise}`;
    addMistake(scope, problem, unsupported.cure);
  } else if (ignored !== undefined) {
    addIgnored(scope, ignored.reason);
    if (ignored.missed && asksForSomething(value)) addWarning(scope, `ignored: ${ignored.reason}`);
  } else if (unsupported === undefined) {
    addMistake(scope, "unknown key", cureOfUnknown(section, name));
  }
}

function cureOfUnknown(section: SectionName, name: string): string {
  const [home] = [...HOMES].flatMap(([other, place]) =>
    namesIn(other).includes(name) ? [place] : [],
  );
  if (home !== undefined) return `it belongs ${home}`;
  const near = nearest(name, namesIn(section));
  return near === undefined
    ? "remove it; docs/configuration.md lists every key"
    : `did you mean "${near}"?`;
}

/** The value, with variables in place of what names them. */
function resolve(value: Json, scope: Scope): Parsed<Json> {
  if (typeof value === "string") return resolveText(value, scope);
  if (!isList(value)) return fit(value);
  const items = value.map((item) =>
    typeof item === "string" ? resolveText(item, scope) : fit(item),
  );
  const mistaken = items.find((item) => !item.ok);
  return mistaken ?? fit(items.flatMap((item) => (item.ok ? [item.value] : [])));
}

function resolveText(text: string, scope: Scope): Parsed<Json> {
  const at = text.indexOf(REFERENCE);
  if (at < 0) return fit(text);
  if (at > 0) return misfit("names a variable in its middle", `write ${REFERENCE}NAME and no more`);
  const name = text.slice(REFERENCE.length);
  const value = variable(scope.variables, name);
  return value === undefined
    ? misfit("names a variable that is not set", `set ${name}`)
    : fit(value);
}
