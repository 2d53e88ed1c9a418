/** Writes the tables of keys in the docs from the tables that the reader of the configuration itself goes by. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { IGNORED } from "../src/config/ignored.ts";
import type { Key, Keys } from "../src/config/key.ts";
import { FLAGS } from "../src/config/flags.ts";
import { KEYS, VARIABLES, type SectionName } from "../src/config/keys.ts";
import { FLAT_PRICES, type FlatPrice } from "../src/config/price-keys.ts";
import { KNOWN_PROVIDERS, PROVIDER_ALIASES, type KnownProvider } from "../src/config/providers.ts";
import { UNSUPPORTED } from "../src/config/unsupported.ts";

export const DOCS_FILES = ["configuration", "litellm"].map((name) =>
  fileURLToPath(new URL(`../docs/${name}.md`, import.meta.url)),
);

const PLACES: Readonly<Record<SectionName, string>> = {
  config: "top of the file",
  deployment: "`model_list[]`",
  litellm_params: "`model_list[].litellm_params`",
  model_info: "`model_list[].model_info`",
  general_settings: "`general_settings`",
  export: "`general_settings.exports[]`",
  litellm_settings: "`litellm_settings`",
  router_settings: "`router_settings`",
  price: "`model_info.prices[]`",
  price_tier: "`model_info.prices[].tiers[]`",
  price_service: "`model_info.prices[].flex`",
  price_fallback: "`general_settings.unpriced_fallback`",
  margin: "`litellm_settings.cost_margin_config.*`",
};
const SECTIONS = Object.keys(KEYS) as readonly SectionName[];
/** Purser's own way to write prices, and the parts of a margin. */
const OWN_SECTIONS = SECTIONS.filter((section) => /^(?:price|margin)/.test(section));
const LITELLM_SECTIONS = SECTIONS.filter((section) => !OWN_SECTIONS.includes(section));

/** What may stand between `<!-- table: name -->` and `<!-- end -->`. */
const TABLES: ReadonlyMap<string, () => string> = new Map([
  ...SECTIONS.map((section) => [section, () => keyTable(withoutPrices(KEYS[section]))] as const),
  ["flat_prices", priceTable],
  ["variables", () => keyTable(VARIABLES)],
  ["flags", () => keyTable(FLAGS, "--")],
  ["providers", providerTable],
  ["accepted", acceptedTable],
  ["ignored", ignoredTable],
  ["unsupported", unsupportedTable],
]);

/** The page with every table made anew; the text around them stays. */
export async function renderConfigDocs(page: string): Promise<string> {
  const filled = page.replaceAll(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => `${begin}\n\n${tableNamed(name)}\n\n${end}`,
  );
  return format(filled, { ...(await resolveConfig(import.meta.filename)), parser: "markdown" });
}

function tableNamed(name: string): string {
  const make = TABLES.get(name);
  if (make === undefined) throw new Error(`the docs ask for a table "${name}"`);
  return make();
}

function keyTable(keys: Keys, prefix = ""): string {
  const rows = Object.entries<Key<unknown>>(keys).map(([name, key]) => [
    `\`${prefix}${name}\``,
    key.about,
    key.required === undefined ? (key.default ?? "") : "required",
  ]);
  return table(["key", "meaning", "default"], rows);
}

/** LiteLLM's hundred price keys have a table of their own, for both sections that they may stand in. */
function withoutPrices(keys: Keys): Keys {
  return Object.fromEntries(Object.entries(keys).filter(([name]) => !(name in FLAT_PRICES)));
}

function priceTable(): string {
  const prices = Object.entries(FLAT_PRICES);
  const plain = prices.filter(([, price]) => !isLong(price) && !isServed(price));
  const long = prices.filter(([, price]) => isLong(price) && !isServed(price));
  const served = prices.filter(([, price]) => isServed(price));
  const rows = plain.map(([name, { about }]) => [code([name]), about]);
  return [
    table(["key", "meaning"], rows),
    `The same for the whole of a call with a longer input: ${code(long.map(([name]) => name))}.`,
    `The same for a call that was served at this pace: ${code(served.map(([name]) => name))}.`,
  ].join("\n\n");
}

function isLong({ aboveInputTokens }: FlatPrice): boolean {
  return aboveInputTokens !== undefined;
}

function isServed({ service }: FlatPrice): boolean {
  return service !== undefined;
}

function providerTable(): string {
  const rows = Object.entries<KnownProvider>(KNOWN_PROVIDERS).map(([name, provider]) => [
    code([name, ...aliasesOf(name)]),
    code(provider.keyVariables),
    provider.baseVariable === undefined ? "" : code([provider.baseVariable]),
  ]);
  return table(["provider", "`api_key` from", "`api_base` from"], rows);
}

function aliasesOf(name: string): readonly string[] {
  return Object.keys(PROVIDER_ALIASES).filter((alias) => PROVIDER_ALIASES[alias] === name);
}

/** What Purser reads, LiteLLM's keys and its own, in one look. */
function acceptedTable(): string {
  const rows = LITELLM_SECTIONS.map((section) => [
    PLACES[section],
    code(Object.keys(withoutPrices(KEYS[section]))),
  ]);
  const keys = table(
    ["in", "keys"],
    rows.filter(([, names]) => names !== ""),
  );
  const own = code(OWN_SECTIONS.flatMap((section) => Object.keys(KEYS[section])));
  return [
    keys,
    `Prices, in both \`litellm_params\` and \`model_info\`: ${code(Object.keys(FLAT_PRICES))}.`,
    `Of a margin and of \`prices\`: ${own}.`,
  ].join("\n\n");
}

function ignoredTable(): string {
  const rows = SECTIONS.flatMap((section) =>
    IGNORED[section].map(({ keys, reason, missed }) => [
      PLACES[section],
      code(keys),
      reason,
      missed ? "yes" : "",
    ]),
  );
  return table(["in", "keys", "why", "warns"], rows);
}

function unsupportedTable(): string {
  const rows = SECTIONS.flatMap((section) =>
    UNSUPPORTED[section].map(({ keys, otherwise, cure }) => [
      PLACES[section],
      code(keys),
      otherwise,
      cure.replaceAll("<", "&lt;"),
    ]),
  );
  return table(["in", "keys", "if they were ignored", "cure"], rows);
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(" ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n");
}

if (import.meta.main) {
  for (const file of DOCS_FILES) {
    writeFileSync(file, await renderConfigDocs(readFileSync(file, "utf8")));
  }
}
