/** What a provider says that the call costs, for the few that say it in dollars. */

import { nanoFromPico, parsePrice, type NanoUsd } from "../../money/amount.ts";
import type { Json, JsonObject } from "../../platform/json.ts";
import { objectIn } from "./counted.ts";

/** xAI's tick is 10⁻¹⁰ dollars. */
const PICO_PER_TICK = 100n;

const STATED: ReadonlyMap<string, (usage: JsonObject) => NanoUsd | null> = new Map([
  ["openrouter", ofOpenRouter],
  ["perplexity", (usage) => dollars(objectIn(usage["cost"])["total_cost"])],
  ["xai", (usage) => ticks(usage["cost_in_usd_ticks"])],
]);

/** Of anybody else `cost` may be in any currency, so it is not read. */
export function statedCost(provider: string, usage: Json | undefined): NanoUsd | null {
  return STATED.get(provider)?.(objectIn(usage)) ?? null;
}

/** With a key of one's own at the model's maker, OpenRouter states its fee and what the maker bills apart. */
function ofOpenRouter(usage: JsonObject): NanoUsd | null {
  const cost = dollars(usage["cost"]);
  if (cost === null || usage["is_byok"] !== true) return cost;
  const { upstream_inference_cost: maker } = objectIn(usage["cost_details"]);
  return (cost + (dollars(maker) ?? 0n)) as NanoUsd;
}

function dollars(value: Json | undefined): NanoUsd | null {
  if (typeof value !== "number" || value < 0) return null;
  const pico = parsePrice(value);
  return pico === undefined ? null : nanoFromPico(pico);
}

function ticks(value: Json | undefined): NanoUsd | null {
  const counts = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  return counts ? nanoFromPico(BigInt(value) * PICO_PER_TICK) : null;
}
