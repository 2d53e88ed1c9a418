/** What a provider puts on its list for a call that stays in one region. */

import type { DeploymentConfig } from "../config/config.ts";
import { familyNames } from "./catalogue.ts";
import type { Fraction } from "./rates.ts";

/** Anthropic's page of prices: since the models of 4.5, every endpoint of Google's but the global one. */
const PREMIUM: Fraction = { over: 11n, under: 10n };

const CLAUDE_BEFORE_PREMIUM = /^claude-(?:[23]|instant|(?:opus|sonnet)-4(?:-1)?(?:@|$))/;

/** Of tokens; null where a region costs nothing more, or the list has a price of its own for it, as Amazon's. */
export function regionalMultiple(deployment: DeploymentConfig): Fraction | null {
  const { provider, cloud } = deployment;
  const [name = ""] = familyNames(deployment);
  const isPriced = provider === "vertex_ai" && name.startsWith("claude-");
  if (!isPriced || CLAUDE_BEFORE_PREMIUM.test(name)) return null;
  return cloud === null || cloud.region === "global" ? null : PREMIUM;
}
