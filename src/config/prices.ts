/** What a deployment's entry says of its prices, in LiteLLM's keys or in Purser's own. */

import { parsePrice, picoUsd, type PicoUsd } from "../money/amount.ts";
import type { GivenRates, RateName } from "../money/price.ts";
import type { ServiceTier } from "../money/usage.ts";
import type { Json, JsonObject } from "../platform/json.ts";
import type { PriceOverride } from "./config.ts";
import type { Key, Values } from "./key.ts";
import type { KEYS } from "./keys.ts";
import { FALLBACK_CURE, FLAT_PRICES, OWN_RATES } from "./price-keys.ts";
import { addMistake, addWarning, inside, type Scope } from "./scope.ts";
import { readKey, readSection } from "./section.ts";
import { parseMapping } from "./value.ts";

type Params = Values<typeof KEYS.litellm_params>;
type Info = Values<typeof KEYS.model_info>;
type Flat = readonly (readonly [keyof typeof FLAT_PRICES, PicoUsd])[];
type Card = Pick<PriceOverride, "rates" | "tiers">;

const SERVICES = ["flex", "priority", "batch"] as const;
const PER_MILLION = 1_000_000n;
const ENTRY: Key<JsonObject> = { parse: parseMapping, about: "Prices." };

/** Ten thousand dollars for a million tokens: nobody asks that, but price lists are per million. */
const SUSPICIOUS_PICO = parsePrice("0.01") ?? 0n;

/** A cent for a thousand million tokens: nobody sells so low, but LiteLLM's prices are per token. */
const SUSPICIOUSLY_LOW_PICO = 10n;

const PER_TOKEN: ReadonlySet<RateName> = new Set(
  Object.values(OWN_RATES)
    .filter(({ perMillion }) => perMillion)
    .map(({ rate }) => rate),
);

/** What a call costs whose deployment has no price; null where such a call costs nothing and budgets refuse it. */
export function readFallback(given: JsonObject | null, root: Scope): GivenRates | null {
  if (given === null) return null;
  const scope = inside(root, "unpriced_fallback");
  const section = readSection("price_fallback", given, scope);
  const rates = ownRates(section, section.unit ?? "million", scope);
  if (rates.input === 0n && rates.output === 0n) {
    addMistake(scope, "is a price of 0, which would make unpriced calls free", FALLBACK_CURE);
  }
  warnOf(rates, null, scope);
  return rates;
}

/** `scope` is the entry's. */
export function readPrices(params: Params, info: Info, scope: Scope): readonly PriceOverride[] {
  const flat = flatOf(params, info);
  const here = inside(inside(scope, "model_info"), "prices");
  const own = (info.prices ?? []).flatMap((entry, index) => readOwn(entry, inside(here, index)));
  if (flat.length > 0 && own.length > 0) {
    addMistake(here, "is given beside prices in LiteLLM's keys", "write all of them here");
  }
  checkOrder(own, here);
  checkModes(flat, info.mode, scope);
  const overrides = own.length > 0 ? own : flatOverride(flat);
  return overrides.map((override) => {
    warnOf(override.rates, info.mode, scope);
    return { ...override, rates: whole(override.rates, info.mode) };
  });
}

/** As in LiteLLM, a price beside the address wins over one in `model_info`. */
function flatOf(params: Params, info: Info): Flat {
  const names = Object.keys(FLAT_PRICES) as (keyof typeof FLAT_PRICES)[];
  return names.flatMap((name) => {
    const price = params[name] ?? info[name];
    return price === null ? [] : [[name, price] as const];
  });
}

function flatOverride(flat: Flat): PriceOverride[] {
  if (flat.length === 0) return [];
  const services = SERVICES.map((service) => [service, cardOf(flat, service)] as const)
    .filter(([, card]) => Object.keys(card.rates).length + card.tiers.length > 0)
    .map(([service, card]) => [service, { ...card, multiplierPpm: null }] as const);
  return [
    {
      from: null,
      label: "operator",
      multiplierPpm: null,
      ...cardOf(flat, undefined),
      services: Object.fromEntries(services),
    },
  ];
}

function cardOf(flat: Flat, service: ServiceTier | undefined): Card {
  const prices = flat
    .map(([name, rate]) => ({ ...FLAT_PRICES[name], pico: rate }))
    .filter((price) => price.service === service);
  const byThreshold = Map.groupBy(prices, ({ aboveInputTokens = 0 }) => aboveInputTokens);
  const rates = (threshold: number): GivenRates =>
    Object.fromEntries((byThreshold.get(threshold) ?? []).map(({ rate, pico }) => [rate, pico]));
  const thresholds = [...byThreshold.keys()].filter((tokens) => tokens > 0);
  const tiers = thresholds
    .toSorted((a, b) => a - b)
    .map((aboveInputTokens) => ({ aboveInputTokens, rates: rates(aboveInputTokens) }));
  return { rates: rates(0), tiers };
}

function readOwn(value: Json, scope: Scope): PriceOverride[] {
  const given = readKey(ENTRY, value, scope);
  if (given === null) return [];
  const price = readSection("price", given, scope);
  const unit = price.unit ?? "million";
  const services = SERVICES.flatMap((service) => {
    const mapping = price[service];
    if (mapping === null) return [];
    const here = inside(scope, service);
    const section = readSection("price_service", mapping, here);
    const multiplierPpm = section.multiplier;
    return [[service, { ...ownCard(section, unit, here), multiplierPpm }] as const];
  });
  return [
    {
      from: price.from,
      label: price.label ?? "operator",
      multiplierPpm: price.multiplier,
      ...ownCard(price, unit, scope),
      services: Object.fromEntries(services),
    },
  ];
}

type OwnRates = Readonly<Record<keyof typeof OWN_RATES, PicoUsd | null>>;

function ownCard(
  given: OwnRates & { readonly tiers: readonly Json[] | null },
  unit: "million" | "token",
  scope: Scope,
): Card {
  const here = inside(scope, "tiers");
  const tiers = (given.tiers ?? []).flatMap((value, index) => {
    const at = inside(here, index);
    const mapping = readKey(ENTRY, value, at);
    if (mapping === null) return [];
    const section = readSection("price_tier", mapping, at);
    const aboveInputTokens = section.above_input_tokens;
    return aboveInputTokens === null
      ? []
      : [{ aboveInputTokens, rates: ownRates(section, unit, at) }];
  });
  const ascending = tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens);
  return { rates: ownRates(given, unit, scope), tiers: ascending };
}

function ownRates(given: OwnRates, unit: "million" | "token", scope: Scope): GivenRates {
  const names = Object.keys(OWN_RATES) as (keyof typeof OWN_RATES)[];
  const rates = names.flatMap((name) => {
    const price = given[name];
    if (price === null) return [];
    const { rate, perMillion } = OWN_RATES[name];
    const each = perMillion && unit === "million" ? perUnit(price) : price;
    if (each === 0n && price > 0n) {
      addMistake(inside(scope, name), "is less than a trillionth of a dollar each", "write 0");
    }
    return [[rate, each] as const];
  });
  return Object.fromEntries(rates);
}

/** To the nearest pico-dollar. */
function perUnit(perMillion: PicoUsd): PicoUsd {
  return picoUsd((perMillion + PER_MILLION / 2n) / PER_MILLION);
}

function checkOrder(prices: readonly PriceOverride[], scope: Scope): void {
  for (const [index, { from }] of prices.entries()) {
    const before = prices[index - 1];
    if (before === undefined) continue;
    if (from === null || from <= (before.from ?? Number.NEGATIVE_INFINITY)) {
      const here = inside(inside(scope, index), "from");
      addMistake(here, "is not after that of the entry above", "order the entries by their day");
    }
  }
}

/** What these keys are the price of is another thing in other modes, or nothing. */
const OF_MODES = {
  input_cost_per_image: {
    modes: ["image_generation", "image_edit"],
    problem: "is not supported for images in a prompt, and without it calls would cost otherwise",
    cure: "price them by the token, or set mode: image_generation",
  },
  output_cost_per_second: {
    modes: ["audio_transcription"],
    problem: "is not supported but for audio heard, and without it calls would cost otherwise",
    cure: "price what is made by the token or by the character, or set mode: audio_transcription",
  },
} as const;

function checkModes(flat: Flat, mode: string | null, scope: Scope): void {
  for (const [name, { modes, problem, cure }] of Object.entries(OF_MODES)) {
    if (!flat.some(([given]) => given === name) || modes.some((meant) => meant === mode)) continue;
    addMistake(inside(inside(scope, "model_info"), name), problem, cure);
  }
}

/** Embeddings say nothing, and a rerank is billed by its searches. */
function whole(rates: GivenRates, mode: string | null): GivenRates {
  const { input, output, searches } = rates;
  if (mode === "embedding" && input !== undefined && output === undefined) {
    return { ...rates, output: input };
  }
  const isRerank = mode === "rerank" && searches !== undefined;
  if (!isRerank || input !== undefined || output !== undefined) return rates;
  return { ...rates, input: picoUsd(0n), output: picoUsd(0n) };
}

function warnOf(rates: GivenRates, mode: string | null, scope: Scope): void {
  const { input, output } = rates;
  const perToken = Object.entries(rates).filter(([name]) => PER_TOKEN.has(name as RateName));
  if (perToken.some(([, price]) => price >= SUSPICIOUS_PICO)) {
    addWarning(scope, "a price of $0.01 or more per token looks like dollars per million tokens");
  }
  if (perToken.some(([, price]) => price > 0n && price < SUSPICIOUSLY_LOW_PICO)) {
    addWarning(scope, "a price under $0.00001 per million tokens looks like dollars per token");
  }
  if (input !== undefined && output === undefined && mode !== "embedding") {
    addWarning(
      scope,
      "has no output_cost_per_token, so the output price comes from the price list",
    );
  }
  if (input === undefined && output !== undefined) {
    addWarning(scope, "has no input_cost_per_token, so the input price comes from the price list");
  }
}
