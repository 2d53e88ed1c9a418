/** What each provider is sent for what OpenAI's clients can ask of a chat. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { sqliteFile } from "../support/databases.ts";
import { FOREIGN, foreignModels, type ForeignName } from "../support/foreign.ts";
import { startTestPurser, type TestPurser } from "../support/purser.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

interface Row {
  readonly asked: Readonly<Record<string, unknown>>;
  /** Parts of what is sent. */
  readonly sent: Readonly<Record<ForeignName, object>>;
  /** What is told to be missing from it, where something is. */
  readonly untranslated?: Readonly<Partial<Record<ForeignName, string>>>;
}

const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const PNG = "iVBORw0KGgo=";
const WEATHER = {
  type: "function",
  function: { name: "weather", description: "Tells it.", parameters: CITY },
};
const OTHER = { type: "function", function: { name: "other", parameters: CITY } };
const CALLED = {
  id: "call_1",
  type: "function",
  function: { name: "weather", arguments: '{"city":"Oslo"}' },
};

/** Both of Bedrock's models are asked alike but for thinking. */
function sent(row: Omit<Row["sent"], "bedrock_claude" | "vertex">): Row["sent"] {
  return { ...row, vertex: row.gemini, bedrock_claude: row.bedrock };
}

const JSON_TOOL = (schema: object) => ({
  toolConfig: {
    tools: [{ toolSpec: { name: "json", inputSchema: { json: schema } } }],
    toolChoice: { any: {} },
  },
});

const ROWS: Readonly<Record<string, Row>> = {
  "a system and a user": {
    asked: {
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hi" },
      ],
    },
    sent: sent({
      anthropic: {
        system: [{ type: "text", text: "Be brief." }],
        messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      },
      gemini: {
        systemInstruction: { parts: [{ text: "Be brief." }] },
        contents: [{ role: "user", parts: [{ text: "hi" }] }],
      },
      bedrock: {
        system: [{ text: "Be brief." }],
        messages: [{ role: "user", content: [{ text: "hi" }] }],
      },
      cohere: {
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "hi" },
        ],
      },
    }),
  },
  "a picture": {
    asked: {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
          ],
        },
      ],
    },
    sent: sent({
      anthropic: {
        messages: [
          {
            content: [
              { type: "text", text: "What is it?" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
            ],
          },
        ],
      },
      gemini: {
        contents: [
          {
            parts: [{ text: "What is it?" }, { inlineData: { mimeType: "image/png", data: PNG } }],
          },
        ],
      },
      bedrock: {
        messages: [
          {
            content: [
              { text: "What is it?" },
              { image: { format: "png", source: { bytes: PNG } } },
            ],
          },
        ],
      },
      cohere: {
        messages: [
          {
            content: [
              { type: "text", text: "What is it?" },
              { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
            ],
          },
        ],
      },
    }),
  },
  "a tool's result": {
    asked: {
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: null, tool_calls: [CALLED] },
        { role: "tool", tool_call_id: "call_1", content: "rain" },
      ],
      tools: [WEATHER],
    },
    sent: sent({
      anthropic: {
        messages: [
          {},
          {
            content: [{ type: "tool_use", id: "call_1", name: "weather", input: { city: "Oslo" } }],
          },
          { content: [{ type: "tool_result", tool_use_id: "call_1", content: "rain" }] },
        ],
      },
      gemini: {
        contents: [
          {},
          { parts: [{ functionCall: { name: "weather", args: { city: "Oslo" } } }] },
          { parts: [{ functionResponse: { name: "weather", response: { content: "rain" } } }] },
        ],
      },
      bedrock: {
        messages: [
          {},
          {
            content: [
              { toolUse: { toolUseId: "call_1", name: "weather", input: { city: "Oslo" } } },
            ],
          },
          { content: [{ toolResult: { toolUseId: "call_1", content: [{ text: "rain" }] } }] },
        ],
      },
      cohere: {
        messages: [
          {},
          { tool_calls: [CALLED] },
          { role: "tool", tool_call_id: "call_1", content: "rain" },
        ],
      },
    }),
  },
  "tools that may be called": {
    asked: { tools: [WEATHER], tool_choice: "auto" },
    sent: sent({
      anthropic: {
        tools: [{ name: "weather", description: "Tells it.", input_schema: CITY }],
        tool_choice: { type: "auto" },
      },
      gemini: {
        tools: [{ functionDeclarations: [{ name: "weather", parametersJsonSchema: CITY }] }],
        toolConfig: { functionCallingConfig: { mode: "AUTO" } },
      },
      bedrock: {
        toolConfig: {
          tools: [{ toolSpec: { name: "weather", inputSchema: { json: CITY } } }],
          toolChoice: { auto: {} },
        },
      },
      cohere: { tools: [WEATHER] },
    }),
  },
  "a tool that must be called": {
    asked: { tools: [WEATHER], tool_choice: "required" },
    sent: sent({
      anthropic: { tool_choice: { type: "any" } },
      gemini: { toolConfig: { functionCallingConfig: { mode: "ANY" } } },
      bedrock: { toolConfig: { toolChoice: { any: {} } } },
      cohere: { tool_choice: "REQUIRED" },
    }),
  },
  "a tool by name": {
    asked: {
      tools: [OTHER, WEATHER],
      tool_choice: { type: "function", function: { name: "weather" } },
    },
    sent: sent({
      anthropic: { tool_choice: { type: "tool", name: "weather" } },
      gemini: {
        toolConfig: {
          functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] },
        },
      },
      bedrock: { toolConfig: { toolChoice: { tool: { name: "weather" } } } },
      cohere: { tools: [WEATHER], tool_choice: "REQUIRED" },
    }),
  },
  "one tool at a time": {
    asked: { tools: [WEATHER], tool_choice: "auto", parallel_tool_calls: false },
    sent: {
      ...sent({
        anthropic: { tool_choice: { disable_parallel_tool_use: true } },
        gemini: {},
        bedrock: {},
        cohere: {},
      }),
      bedrock_claude: {
        additionalModelRequestFields: { tool_choice: { disable_parallel_tool_use: true } },
      },
    },
    untranslated: {
      gemini: "parallel_tool_calls",
      vertex: "parallel_tool_calls",
      bedrock: "parallel_tool_calls",
      cohere: "parallel_tool_calls",
    },
  },
  "JSON of a schema": {
    asked: {
      response_format: { type: "json_schema", json_schema: { name: "place", schema: CITY } },
    },
    sent: sent({
      anthropic: { output_config: { format: { type: "json_schema", schema: CITY } } },
      gemini: {
        generationConfig: { responseMimeType: "application/json", responseJsonSchema: CITY },
      },
      bedrock: JSON_TOOL(CITY),
      cohere: { response_format: { type: "json_object", json_schema: CITY } },
    }),
  },
  "any JSON": {
    asked: { response_format: { type: "json_object" } },
    sent: sent({
      anthropic: {
        tools: [{ name: "json", input_schema: { type: "object" } }],
        tool_choice: { type: "any" },
      },
      gemini: { generationConfig: { responseMimeType: "application/json" } },
      bedrock: JSON_TOOL({ type: "object" }),
      cohere: { response_format: { type: "json_object" } },
    }),
  },
  "thought, within the bound": {
    asked: { reasoning_effort: "high", max_completion_tokens: 8000 },
    sent: {
      anthropic: { max_tokens: 8000, thinking: { type: "enabled", budget_tokens: 6400 } },
      gemini: {
        generationConfig: {
          maxOutputTokens: 8000,
          thinkingConfig: { thinkingBudget: 6400, includeThoughts: true },
        },
      },
      vertex: {
        generationConfig: {
          maxOutputTokens: 8000,
          thinkingConfig: { thinkingBudget: 6400, includeThoughts: true },
        },
      },
      // Nova takes no bound beside a high effort.
      bedrock: {
        additionalModelRequestFields: { reasoningConfig: { maxReasoningEffort: "medium" } },
        inferenceConfig: { maxTokens: 8000 },
      },
      bedrock_claude: {
        additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 6400 } },
        inferenceConfig: { maxTokens: 8000 },
      },
      cohere: { max_tokens: 8000, thinking: { type: "enabled", token_budget: 6400 } },
    },
  },
  "thought, where the bound has no room": {
    asked: { reasoning_effort: "low", max_tokens: 500 },
    sent: {
      anthropic: { max_tokens: 500 },
      gemini: { generationConfig: { maxOutputTokens: 500 } },
      vertex: { generationConfig: { maxOutputTokens: 500 } },
      bedrock: { inferenceConfig: { maxTokens: 500 } },
      bedrock_claude: { inferenceConfig: { maxTokens: 500 } },
      cohere: { max_tokens: 500 },
    },
    untranslated: {
      anthropic: "reasoning_effort",
      gemini: "reasoning_effort",
      vertex: "reasoning_effort",
      bedrock_claude: "reasoning_effort",
      cohere: "reasoning_effort",
    },
  },
  "sampling, stops and the rest": {
    asked: {
      stop: "END",
      temperature: 0.5,
      top_p: 0.9,
      seed: 3,
      presence_penalty: 1,
      verbosity: "low",
    },
    sent: sent({
      anthropic: { stop_sequences: ["END"], temperature: 0.5 },
      gemini: {
        generationConfig: { stopSequences: ["END"], temperature: 0.5, topP: 0.9, seed: 3 },
      },
      bedrock: { inferenceConfig: { stopSequences: ["END"], temperature: 0.5, topP: 0.9 } },
      cohere: { stop_sequences: ["END"], temperature: 0.5, p: 0.9, seed: 3, presence_penalty: 1 },
    }),
    untranslated: {
      anthropic: "verbosity, presence_penalty, seed, top_p",
      gemini: "verbosity, presence_penalty",
      vertex: "verbosity",
      bedrock: "verbosity, presence_penalty, seed",
      bedrock_claude: "verbosity, presence_penalty, seed",
      cohere: "verbosity",
    },
  },
};

let upstream: Upstream;
let purser: TestPurser;

before(async () => {
  upstream = await startUpstream();
  purser = await startTestPurser({
    database: sqliteFile(),
    upstream: upstream.origin,
    models: foreignModels(upstream.origin),
  });
});
beforeEach(() => {
  upstream.received.length = 0;
});
after(async () => {
  await purser.stop();
  await upstream.close();
});

for (const [what, row] of Object.entries(ROWS)) {
  describe(what, () => {
    for (const [model, { voice }] of Object.entries(FOREIGN)) {
      test(`is put to ${model}, and what is not is told`, async () => {
        const untranslated = row.untranslated?.[model as ForeignName] ?? null;
        const asked = { model, messages: [{ role: "user", content: "hi" }], ...row.asked };
        for (const stream of [false, true]) {
          upstream.answer = voice[stream ? "streamed" : "whole"]({ text: "Hello." });
          const reply = await purser.post("/v1/chat/completions", { ...asked, stream });
          assert.equal(reply.status, 200, reply.text);
          const body = upstream.received.pop()?.body ?? {};
          assert.partialDeepStrictEqual(body, row.sent[model as ForeignName]);
          assert.equal(reply.headers.get("x-purser-untranslated"), untranslated);
        }
      });
    }
  });
}

test("tools that must not be called are kept from Bedrock, and forbidden to the others", async () => {
  const forbidden: Readonly<Record<ForeignName, object>> = sent({
    anthropic: { tool_choice: { type: "none" } },
    gemini: { toolConfig: { functionCallingConfig: { mode: "NONE" } } },
    bedrock: {},
    cohere: { tool_choice: "NONE" },
  });
  for (const [model, { voice }] of Object.entries(FOREIGN)) {
    upstream.answer = voice.whole({ text: "Hello." });
    const messages = [{ role: "user", content: "hi" }];
    const asked = { model, messages, tools: [WEATHER], tool_choice: "none" };
    await purser.post("/v1/chat/completions", asked);
    const body = upstream.received.pop()?.body ?? {};
    assert.partialDeepStrictEqual(body, forbidden[model as ForeignName]);
    if (model.startsWith("bedrock")) assert.equal(body["toolConfig"], undefined);
  }
});

test("a key in the environment is not sent to a host of one's own", async () => {
  const variables = ["ANTHROPIC_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "COHERE_API_KEY"];
  for (const name of variables) process.env[name] = "sk-of-the-provider";
  const names = ["anthropic", "gemini", "cohere"] as const;
  const keyless = await startTestPurser({
    database: sqliteFile(),
    upstream: upstream.origin,
    models: names.map((name) => ({
      model_name: name,
      litellm_params: { model: FOREIGN[name].params.model, api_base: upstream.origin },
    })),
  });
  for (const model of names) {
    upstream.answer = FOREIGN[model].voice.whole({ text: "Hello." });
    const messages = [{ role: "user", content: "hi" }];
    const reply = await keyless.post("/v1/chat/completions", { model, messages });
    assert.equal(reply.status, 200, reply.text);
    assert.doesNotMatch(JSON.stringify(upstream.received.pop()?.headers), /sk-of-the-provider/);
  }
  await keyless.stop();
  for (const name of variables) delete process.env[name];
});

test("what a provider or its package cannot take is refused by its name", async () => {
  const image_url = { url: "https://example.com/cat.png" };
  const messages = [{ role: "user", content: [{ type: "image_url", image_url }] }];
  const reply = await purser.post("/v1/chat/completions", { model: "bedrock", messages });
  assert.equal(reply.status, 400);
  assert.match(reply.body.error.message, /File URL data/);
  assert.equal(upstream.received.length, 0);
});
