/** A framework that knows of nothing but OpenAI, on a provider that speaks so and on one that is translated for. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import { sqliteFile } from "../support/databases.ts";
import { events } from "../support/dialects.ts";
import { FOREIGN } from "../support/foreign.ts";
import { MASTER_KEY, pricedModel, startTestPurser, type TestPurser } from "../support/purser.ts";
import { json, startUpstream, USAGE, type Script, type Upstream } from "../support/upstream.ts";
import type { Said, Voice } from "../support/voices.ts";

const OSLO = { city: "Oslo" };
const PLACE = jsonSchema<typeof OSLO>({
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
});

/** OpenAI's own words, of which the tests need no more. */
const OPENAI: Pick<Voice, "whole" | "streamed"> = {
  whole:
    ({ text }) =>
    (_received, response) => {
      const message = { role: "assistant", content: text };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      json(response, 200, { ...HEAD, object: "chat.completion", choices, usage: USAGE });
    },
  streamed: ({ text, call }) => {
    const args = JSON.stringify(call?.input);
    const called = { index: 0, id: "call_1", type: "function" };
    const made = { name: call?.name, arguments: "" };
    const deltas =
      call === undefined
        ? [{ content: text }]
        : [
            { tool_calls: [{ ...called, function: made }] },
            { tool_calls: [{ index: 0, function: { arguments: args } }] },
          ];
    const end = chunk({}, call === undefined ? "stop" : "tool_calls");
    return events(...deltas.map((delta) => chunk(delta)), end, {
      ...chunk({}),
      choices: [],
      usage: USAGE,
    });
  },
};
const HEAD = { id: "chatcmpl-1", created: 1, model: "m" };

function chunk(delta: object, finish_reason: string | null = null): object {
  const choices = [{ index: 0, delta, finish_reason }];
  return { ...HEAD, object: "chat.completion.chunk", choices };
}

const VOICES = { m: OPENAI, claude: FOREIGN.anthropic.voice } as const;

let upstream: Upstream;
let purser: TestPurser;

before(async () => {
  upstream = await startUpstream();
  purser = await startTestPurser({
    database: sqliteFile(),
    upstream: upstream.origin,
    models: [
      pricedModel("m", upstream.origin),
      {
        model_name: "claude",
        litellm_params: { ...FOREIGN.anthropic.params, api_base: upstream.origin },
        model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0.002 },
      },
    ],
  });
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

for (const [name, voice] of Object.entries(VOICES)) {
  describe(name, () => {
    test("text comes whole, and in pieces with its usage", async () => {
      upstream.answer = voice.whole({ text: "Hello." });
      const generated = await generateText(asked(name, `${name}, text`));
      assert.equal(generated.text, "Hello.");
      upstream.answer = voice.streamed({ text: "Hello." });
      const { text, usage } = streamText(asked(name, `${name}, text`));
      assert.equal(await text, "Hello.");
      assert.equal((await usage).outputTokens, 20);
      assert.equal((await purser.info(`${name}, text`)).spend, 0.12);
    });

    test("a stream calls a tool, is told its result, and goes on to an answer", async () => {
      upstream.answer = loop(voice);
      const weather = tool({ inputSchema: PLACE, execute: ({ city }) => `rain in ${city}` });
      const { text, steps } = streamText({
        ...asked(name, `${name}, tool`),
        tools: { weather },
        stopWhen: isStepCount(3),
      });
      assert.equal(await text, "It rains.");
      const [first, ...others] = await steps;
      assert.deepEqual(
        first?.toolResults.map(({ input, output }) => [input, output]),
        [[OSLO, "rain in Oslo"]],
      );
      assert.equal(others.length, 1);
      assert.equal((await purser.info(`${name}, tool`)).spend, 0.12);
    });

    test("an object of a schema is an object", async () => {
      upstream.answer = voice.whole({ text: JSON.stringify(OSLO) });
      const { output } = await generateText({
        ...asked(name, `${name}, object`),
        output: Output.object({ schema: PLACE }),
      });
      assert.deepEqual(output, OSLO);
      const sent = JSON.stringify(upstream.received.at(-1)?.body);
      assert.match(sent, /"json_schema".*"city"/, "the provider was told of the schema");
      assert.equal((await purser.info(`${name}, object`)).spend, 0.06);
    });
  });
}

function asked(model: string, customer: string) {
  const provider = createOpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1` });
  const headers = { "x-litellm-customer-id": customer };
  return { model: provider.chat(model), prompt: "hi", headers, maxRetries: 0 };
}

/** Calls the tool until it is told the result. */
function loop(voice: Pick<Voice, "streamed">): Script {
  return (received, response) => {
    const isTold = received.bytes.includes("rain in Oslo");
    const call: Said = { call: { name: "weather", input: OSLO } };
    return voice.streamed(isTold ? { text: "It rains." } : call)(received, response);
  };
}
