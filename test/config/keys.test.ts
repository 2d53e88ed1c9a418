/** Every known key is read, ignored with a reason, or a mistake; every other key is a mistake. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { IGNORED } from "../../src/config/ignored.ts";
import { KEYS, type SectionName } from "../../src/config/keys.ts";
import { namesIn } from "../../src/config/section.ts";
import { UNSUPPORTED } from "../../src/config/unsupported.ts";
import { Dice, seeded } from "../support/seed.ts";
import { configOf, load, MINIMAL, mistakesOf } from "./source.ts";

const SECTIONS = Object.keys(KEYS) as readonly SectionName[];
/** Ignored, unless they name something that refuses calls. */
const TWOFOLD = ["callbacks", "optional_pre_call_checks"];
const ALPHABET = "abcdefghijklmnopqrstuvwxyz_".split("");

test("no key has two meanings in one section", () => {
  for (const section of SECTIONS) {
    const names = namesIn(section).filter((name) => !TWOFOLD.includes(name));
    assert.deepEqual(names, [...new Set(names)]);
  }
});

test("one slip in any known key is a mistake that names the key and what was meant", (t) => {
  const dice = new Dice(seeded(t).seed);
  for (const section of SECTIONS) {
    const known = namesIn(section);
    for (const name of known) {
      const slip = slipOf(name, dice);
      if (known.includes(slip)) continue;
      const mistake = mistakesOf(place(section, slip, 1)).find(({ path }) => path.endsWith(slip));
      assert.equal(mistake?.problem, "unknown key", slip);
      if (name.length > 3) assert.match(mistake.cure, /^did you mean|^it belongs/, slip);
    }
  }
});

test("every ignored key is accepted with any value and listed, and its loss is warned of", () => {
  for (const [section, group, key] of keysOf(IGNORED)) {
    for (const [value, isMissed] of [
      [12, group.missed],
      [{ a: 1 }, group.missed],
      [[], false],
    ]) {
      const { ignored, warnings } = configOf(place(section, key, value));
      assert.deepEqual(
        ignored.map(({ reason }) => reason),
        [group.reason],
      );
      assert.ok(ignored[0]?.path.endsWith(key));
      assert.equal(warnings.length, isMissed === true ? 1 : 0, key);
    }
  }
});

test("a variable that an ignored value names need not be set", () => {
  const cache_params = { password: "os.environ/REDIS_PASSWORD" };
  configOf({ ...MINIMAL, litellm_settings: { cache_params, cache: "os.environ/NOWHERE" } });
});

test("every key that decides who calls, who is charged or how much is a mistake", () => {
  for (const [section, group, key] of keysOf(UNSUPPORTED)) {
    const asking = TWOFOLD.includes(key)
      ? ["x", "blocked_user_check", "router_budget_limiting"]
      : "x";
    const [mistake, ...rest] = mistakesOf(place(section, key, asking));
    assert.equal(mistake?.problem, `not supported yet, and without it ${group.otherwise}`, key);
    assert.equal(mistake.cure, group.cure);
    assert.deepEqual(rest, []);
  }
});

test("such a key is no mistake while it asks for nothing", () => {
  for (const [section, , key] of keysOf(UNSUPPORTED)) {
    assert.ok(load(place(section, key, null)).ok, key);
  }
  const off = { enforce_user_param: false, user_header_mappings: [], completion_model: "" };
  assert.deepEqual(
    configOf({ ...MINIMAL, general_settings: { ...MINIMAL.general_settings, ...off } }).ignored,
    [],
  );
});

test("a cap of nothing is still a cap", () => {
  for (const value of [0, "0", false]) {
    assert.equal(mistakesOf(place("litellm_settings", "max_budget", value)).length, 1);
  }
});

test("callbacks are ignored unless they refuse calls", () => {
  const logging = configOf(place("litellm_settings", "callbacks", ["langfuse", "prometheus"]));
  assert.deepEqual(
    logging.ignored.map(({ path }) => path),
    ["litellm_settings.callbacks"],
  );
  const refusing = mistakesOf(place("litellm_settings", "callbacks", ["otel", "presidio"]));
  assert.deepEqual(
    refusing.map(({ cure }) => cure),
    ["remove what refuses calls from the list"],
  );
});

/** A file that is right but for one key more. */
function place(section: SectionName, key: string, value: unknown): object {
  const extra = Object.fromEntries([[key, value]]);
  const [entry] = MINIMAL.model_list;
  switch (section) {
    case "config":
      return { ...MINIMAL, ...extra };
    case "deployment":
      return { ...MINIMAL, model_list: [{ ...entry, ...extra }] };
    case "litellm_params":
      return {
        ...MINIMAL,
        model_list: [{ ...entry, litellm_params: { ...entry?.litellm_params, ...extra } }],
      };
    case "model_info":
      return { ...MINIMAL, model_list: [{ ...entry, model_info: extra }] };
    case "general_settings":
      return { ...MINIMAL, general_settings: { ...MINIMAL.general_settings, ...extra } };
    case "export": {
      const exports = [{ to: "lago", meter: "m", api_key: "k", ...extra }];
      return { ...MINIMAL, general_settings: { ...MINIMAL.general_settings, exports } };
    }
    case "litellm_settings":
    case "router_settings":
      return { ...MINIMAL, [section]: extra };
    case "price":
      return withPrices(extra);
    case "price_tier":
      return withPrices({ tiers: [{ above_input_tokens: 1, ...extra }] });
    case "price_service":
      return withPrices({ flex: extra });
    case "price_fallback":
      return place("general_settings", "unpriced_fallback", { input: 1, output: 1, ...extra });
    case "margin":
      return place("litellm_settings", "cost_margin_config", { openai: extra });
  }
}

function withPrices(price: object): object {
  const [entry] = MINIMAL.model_list;
  return { ...MINIMAL, model_list: [{ ...entry, model_info: { prices: [price] } }] };
}

function keysOf<T extends { readonly keys: readonly string[] }>(
  groups: Readonly<Record<SectionName, readonly T[]>>,
): readonly (readonly [SectionName, T, string])[] {
  return SECTIONS.flatMap((section) =>
    groups[section].flatMap((group) => group.keys.map((key) => [section, group, key] as const)),
  );
}

/** A character changed, dropped, added, or swapped with the next. */
function slipOf(name: string, dice: Dice): string {
  const at = dice.roll(name.length);
  const letter = dice.pick(ALPHABET.filter((each) => each !== name[at]));
  const before = name.slice(0, at);
  const after = name.slice(at + 1);
  const swapped = before + after.slice(0, 1) + (name[at] ?? "") + after.slice(1);
  const slips = [
    before + letter + after,
    before + after,
    before + letter + name.slice(at),
    swapped,
  ];
  return dice.pick(slips.filter((slip) => slip !== name && slip !== ""));
}
