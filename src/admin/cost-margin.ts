/** What a customer, or the customers of a budget, are charged above the cost: in bodies and in answers. */

import { Type, type Static } from "typebox";
import { ApiError } from "../http/errors.ts";
import { jsonUsd, parseUsd, ZERO_USD } from "../money/amount.ts";
import type { Markup } from "../money/markup.ts";

const PPM = 1_000_000;

const Fraction = Type.Number({ minimum: -1, maximum: 10 });
const Amount = Type.Union([Type.Number({ minimum: 0 }), Type.String()]);
const TwoParts = Type.Object(
  { percentage: Type.Optional(Fraction), fixed_amount: Type.Optional(Amount) },
  { additionalProperties: false },
);

/** As in `cost_margin_config`: a fraction, or a fraction and dollars per call; null for none of its own. */
export const CostMargin = Type.Union([Fraction, TwoParts, Type.Null()]);
export type CostMargin = Static<typeof CostMargin>;

/** `current` where the field is absent. */
export function markupFrom(given: CostMargin | undefined, current: Markup | null): Markup | null {
  if (given === undefined) return current;
  if (given === null) return null;
  if (typeof given === "number") return { ppm: millionths(given), fixed: ZERO_USD };
  const { percentage = 0, fixed_amount = 0 } = given;
  const fixed = parseUsd(fixed_amount);
  if (fixed !== undefined && fixed >= 0n) return { ppm: millionths(percentage), fixed };
  const message = "cost_margin.fixed_amount must be a non-negative number of dollars.";
  throw new ApiError("invalid_request", message, { param: "cost_margin" });
}

export function costMargin(markup: Markup | null): unknown {
  if (markup === null) return null;
  return { percentage: Number(markup.ppm) / PPM, fixed_amount: jsonUsd(markup.fixed) };
}

function millionths(fraction: number): bigint {
  return BigInt(Math.round(fraction * PPM));
}
