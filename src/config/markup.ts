/** LiteLLM's `cost_margin_config` and `cost_discount_config`: what is added to costs, and taken off prices. */

import { ZERO_USD } from "../money/amount.ts";
import type { Markup } from "../money/markup.ts";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import type { MarkupConfig } from "./config.ts";
import type { Key, Values } from "./key.ts";
import type { KEYS } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { FOREIGN_PROVIDERS, KNOWN_PROVIDERS, providerNamed } from "./providers.ts";
import { addMistake, inside, type Scope } from "./scope.ts";
import { readKey, readSection } from "./section.ts";
import { parseDiscount, parseFraction } from "./settings.ts";

type Litellm = Values<(typeof KEYS)["litellm_settings"]>;

const FRACTION: Key<bigint> = { parse: parseFraction, about: "" };
const DISCOUNT: Key<bigint> = { parse: parseDiscount, about: "" };

export function readMarkup(litellm: Litellm, scope: Scope): MarkupConfig {
  const margins = inside(scope, "cost_margin_config");
  const discounts = inside(scope, "cost_discount_config");
  return {
    margins: byProvider(litellm.cost_margin_config, margins, readMargin),
    discountsPpm: byProvider(litellm.cost_discount_config, discounts, (value, at) =>
      readKey(DISCOUNT, value, at),
    ),
  };
}

function readMargin(value: Json, scope: Scope): Markup | null {
  if (!isObject(value)) {
    const ppm = readKey(FRACTION, value, scope);
    return ppm === null ? null : { ppm, fixed: ZERO_USD };
  }
  const { percentage, fixed_amount } = readSection("margin", value, scope);
  return { ppm: percentage ?? 0n, fixed: fixed_amount ?? ZERO_USD };
}

function byProvider<T>(
  given: JsonObject | null,
  scope: Scope,
  read: (value: Json, scope: Scope) => T | null,
): Readonly<Record<string, T>> {
  const entries = Object.entries(given ?? {}).flatMap(([name, value]) => {
    const here = inside(scope, name);
    const provider = canonicalName(name, here);
    const item = read(value ?? null, here);
    return item === null || provider === null ? [] : [[provider, item] as const];
  });
  return Object.fromEntries(entries);
}

/** A slip in the name would charge nobody the margin. */
function canonicalName(name: string, scope: Scope): string | null {
  if (name === EVERYBODY || FOREIGN_PROVIDERS.includes(name)) return name;
  const known = providerNamed(name);
  if (known !== undefined) return known;
  const near = nearest(name, [EVERYBODY, ...Object.keys(KNOWN_PROVIDERS)]);
  const cure = near === undefined ? "write a provider's name" : `did you mean "${near}"?`;
  addMistake(scope, "is no provider", cure);
  return null;
}

/** The margin of all providers that have none of their own. */
const EVERYBODY = "global";
