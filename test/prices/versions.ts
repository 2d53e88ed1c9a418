/** The versions of some listed prices at a fixed time; run by itself, what a process without a network finds. */

import { once } from "node:events";
import { connect } from "node:net";
import { createPriceBook } from "../../src/prices/book.ts";
import { deploymentOf } from "../providers/deployment.ts";

const MODELS = [
  "openai/gpt-4o",
  "anthropic/claude-sonnet-4-6",
  "gemini/gemini-2.5-flash",
  "deepseek/deepseek-chat",
];
const NOON = Date.parse("2026-11-24T12:00:00Z");

/** Null where there is no price. */
export function versionsOf(): readonly (string | null)[] {
  return MODELS.map((name) => {
    const [provider = "", model = ""] = name.split("/");
    const deployment = deploymentOf({ provider, model });
    return createPriceBook([deployment]).priceOf(deployment, NOON)?.version ?? null;
  });
}

/** The code of the error that an attempt to reach anything ends with. */
async function connecting(): Promise<unknown> {
  const [error] = (await once(connect({ host: "127.0.0.1", port: 9 }), "error")) as unknown[];
  return (error as NodeJS.ErrnoException).code;
}

if (import.meta.main) {
  const found = { connecting: await connecting(), versions: versionsOf() };
  process.stdout.write(JSON.stringify(found));
}
