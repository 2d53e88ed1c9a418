/** How long models think: what each takes in place of OpenAI's effort, so that thoughts stay within the bound. */

import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from "@ai-sdk/provider";

type Options = Pick<
  LanguageModelV4CallOptions,
  "reasoning" | "maxOutputTokens" | "providerOptions"
>;
type Effort = NonNullable<LanguageModelV4CallOptions["reasoning"]>;

/** What to ask for under this bound, if there is one; null where it leaves no room for thoughts. */
export type Thinking = (effort: Effort, bound: number | null) => Options | null;

/** Of the bound; OpenAI's does not say how much an effort is. */
const SHARES: Readonly<Partial<Record<Effort, number>>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.9,
};

/** The rest is for the answer. */
const SHARE_MAX = 0.9;

interface Budget {
  readonly min: number;
  readonly max: number;
  /** The package adds the budget to the bound that it is given. */
  readonly beside: boolean;
  readonly options: (tokens: number) => SharedV4ProviderOptions;
}

/** For models that know efforts and count their thoughts within the bound. */
export function byEffort(shown: SharedV4ProviderOptions = {}): Thinking {
  return (reasoning, bound) => ({ reasoning, ...boundedBy(bound), providerOptions: shown });
}

/** For models that are told a number of tokens; without a bound their package knows one. */
export function byBudget(budget: Budget, shown: SharedV4ProviderOptions = {}): Thinking {
  const { min, max, beside, options } = budget;
  return (effort, bound) => {
    const share = SHARES[effort];
    if (bound === null || share === undefined) return byEffort(shown)(effort, bound);
    const tokens = Math.min(Math.max(Math.floor(bound * share), min), max);
    if (tokens > bound * SHARE_MAX) return null;
    return {
      ...boundedBy(beside ? bound - tokens : bound),
      providerOptions: options(tokens),
    };
  };
}

/** Nova takes no bound of its output beside a high effort. */
export const asNova: Thinking = (effort, bound) => {
  const isUnbounded = effort === "high" || effort === "xhigh";
  return byEffort()(isUnbounded && bound !== null ? "medium" : effort, bound);
};

function boundedBy(bound: number | null) {
  return bound === null ? {} : { maxOutputTokens: bound };
}
