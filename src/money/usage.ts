/** What a call consumed, as disjoint parts that add up to the provider's totals. */

const INPUT_TOKENS = [
  "input",
  "cacheRead",
  "cacheWrite5m",
  "cacheWrite1h",
  "inputAudio",
  "cacheReadAudio",
  "inputImage",
] as const;

/** Reasoning is counted apart wherever the provider tells it; most bill it like the rest of the output. */
const OUTPUT_TOKENS = ["output", "reasoning", "outputAudio", "outputImage"] as const;

/**
 * What is billed by other units: images made, seconds of audio heard, characters spoken, pages read, searches of the
 * web (or of documents, where that is what the call is for), searches of stored files.
 */
const COUNTED_UNITS = [
  "images",
  "seconds",
  "characters",
  "pages",
  "searches",
  "fileSearches",
] as const;

export const USAGE_PARTS = [...INPUT_TOKENS, ...OUTPUT_TOKENS, ...COUNTED_UNITS] as const;

export type UsagePart = (typeof USAGE_PARTS)[number];
type CountedUnit = (typeof COUNTED_UNITS)[number];

/** Whole units by part; an absent part is 0. The parts never overlap. */
export type Usage = Readonly<Partial<Record<UsagePart, number>>>;

/** `provider`: its own numbers. `estimated`: counted here, leaning up. `none`: nothing was produced. */
export type UsageSource = "provider" | "estimated" | "none";

/** How the provider says that it served a call, where that has a price of its own; null is the standard. */
export type ServiceTier = "flex" | "priority" | "batch";

export function inputTokens(usage: Usage): number {
  return sum(usage, INPUT_TOKENS);
}

export function outputTokens(usage: Usage): number {
  return sum(usage, OUTPUT_TOKENS);
}

/** The rest of the parts are tokens. */
export function isCountedUnit(part: UsagePart): part is CountedUnit {
  return (COUNTED_UNITS as readonly UsagePart[]).includes(part);
}

function sum(usage: Usage, parts: readonly UsagePart[]): number {
  let total = 0;
  for (const part of parts) total += usage[part] ?? 0;
  return total;
}
