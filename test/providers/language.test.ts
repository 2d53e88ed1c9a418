/** How long each generation of models is asked to think, with and without a bound. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeploymentConfig } from "../../src/config/config.ts";
import {
  speakAnthropic,
  speakBedrock,
  speakCohere,
  speakGemini,
  type Speak,
} from "../../src/providers/language.ts";
import type { Thinking } from "../../src/providers/thinking.ts";
import { deploymentOf } from "./deployment.ts";

const SHOWN = { google: { thinkingConfig: { includeThoughts: true } } };

test("models that know efforts get the effort, and those before them a share of the bound", async () => {
  const rows: readonly (readonly [Speak, string, ReturnType<Thinking>])[] = [
    [speakAnthropic, "claude-opus-4-7", byEffort("high")],
    [
      speakAnthropic,
      "claude-sonnet-4-5",
      {
        maxOutputTokens: 1600,
        providerOptions: { anthropic: { thinking: { type: "enabled", budgetTokens: 6400 } } },
      },
    ],
    [speakGemini, "gemini-3-pro-preview", { ...byEffort("high"), providerOptions: SHOWN }],
    [
      speakGemini,
      "gemini-2.5-flash",
      {
        maxOutputTokens: 8000,
        providerOptions: {
          google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 6400 } },
        },
      },
    ],
    [speakBedrock, "amazon.nova-2-lite-v1:0", byEffort("medium")],
    [speakBedrock, "openai.gpt-oss-120b-1:0", byEffort("high")],
    [
      speakCohere,
      "command-a-reasoning-08-2025",
      {
        maxOutputTokens: 8000,
        providerOptions: { cohere: { thinking: { type: "enabled", tokenBudget: 6400 } } },
      },
    ],
  ];
  for (const [speak, model, expected] of rows) {
    const thinking = await thinkingOf(speak, { model });
    assert.deepEqual(thinking("high", 8000), expected, model);
  }
});

test("without a bound, and for no thoughts at all, every model is told the effort", async () => {
  for (const speak of [speakAnthropic, speakGemini, speakCohere]) {
    const thinking = await thinkingOf(speak, { model: "gemini-2.5-flash" });
    assert.equal(thinking("high", null)?.reasoning, "high");
    assert.equal(thinking("none", 8000)?.reasoning, "none");
  }
});

test("thoughts never take more than nine tenths of the bound", async () => {
  const thinking = await thinkingOf(speakAnthropic, { model: "claude-sonnet-4-5" });
  assert.equal(thinking("low", 1100), null);
  assert.equal(thinking("low", 1200)?.maxOutputTokens, 1200 - 1024);
  assert.equal(thinking("xhigh", 10_000)?.maxOutputTokens, 1000);
});

function byEffort(reasoning: "high" | "medium") {
  return { reasoning, maxOutputTokens: 8000, providerOptions: {} };
}

async function thinkingOf(speak: Speak, given: Partial<DeploymentConfig>): Promise<Thinking> {
  const { thinking } = await speak(deploymentOf({ apiKey: "k", ...given }), fetch);
  return thinking;
}
