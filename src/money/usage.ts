/** What a call consumed, as disjoint parts that add up to the provider's totals. */

const INPUT_PARTS = ["input", "cacheRead", "cacheWrite5m", "cacheWrite1h", "inputAudio"] as const;
const OUTPUT_PARTS = ["output", "outputAudio"] as const;

/** Reasoning tokens are part of `output`: no price list that Purser reads gives them a rate of their own. */
export const USAGE_PARTS = [...INPUT_PARTS, ...OUTPUT_PARTS] as const;

export type UsagePart = (typeof USAGE_PARTS)[number];

/** Tokens by part; an absent part is 0. The parts never overlap. */
export type Usage = Readonly<Partial<Record<UsagePart, number>>>;

/** `provider`: its own numbers. `estimated`: counted here, leaning up. `none`: nothing was produced. */
export type UsageSource = "provider" | "estimated" | "none";

export function inputTokens(usage: Usage): number {
  return sum(usage, INPUT_PARTS);
}

export function outputTokens(usage: Usage): number {
  return sum(usage, OUTPUT_PARTS);
}

function sum(usage: Usage, parts: readonly UsagePart[]): number {
  return parts.reduce((total, part) => total + (usage[part] ?? 0), 0);
}
