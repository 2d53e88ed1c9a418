/** LiteLLM's two ways to price a search: by the size of what it finds, and by the thousand. */

import { picoUsd, type PicoUsd } from "../money/amount.ts";
import { isObject } from "../platform/json.ts";
import { fit, misfit, parseUnitPrice, type Parse } from "./value.ts";

const SIZES = ["low", "medium", "high"].map((size) => `search_context_size_${size}`);
const THOUSAND = 1000n;

/** An answer tells how often was searched and not by which size, so all of them need one price. */
export const parseSearchPrice: Parse<PicoUsd> = (value) => {
  if (!isObject(value)) return parseUnitPrice(value);
  const unknown = Object.keys(value).find((name) => !SIZES.includes(name));
  if (unknown !== undefined) return misfit(`has a "${unknown}"`, `write ${SIZES.join(", ")}`);
  const prices = Object.values(value).map((price) => parseUnitPrice(price ?? null));
  const [first = misfit("is empty", `write ${SIZES.join(", ")}`), ...others] = prices;
  if (!first.ok) return first;
  const odd = others.find((price) => !price.ok || price.value !== first.value);
  if (odd === undefined) return first;
  return odd.ok
    ? misfit(
        "has other prices for other sizes, which no answer tells apart",
        "write the dearest for all",
      )
    : odd;
};

/** To the nearest pico-dollar. */
export const parseThousandPrice: Parse<PicoUsd> = (value) => {
  const thousand = parseUnitPrice(value);
  return thousand.ok ? fit(picoUsd((thousand.value + THOUSAND / 2n) / THOUSAND)) : thousand;
};
