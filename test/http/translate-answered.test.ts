/** What OpenAI's clients get of every kind of answer by providers with a language of their own, and what it costs. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import OpenAI, { APIError } from "openai";
import { onEachDatabase } from "../support/databases.ts";
import { FOREIGN, foreignModels } from "../support/foreign.ts";
import { postingsOf } from "../support/postings.ts";
import { MASTER_KEY, startTestPurser, type TestPurser } from "../support/purser.ts";
import { until } from "../support/until.ts";
import {
  json,
  startUpstream,
  type Received,
  type Script,
  type Upstream,
} from "../support/upstream.ts";
import type { Said } from "../support/voices.ts";

const PLACE = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const FORMAT = {
  type: "json_schema",
  json_schema: { name: "place", strict: true, schema: PLACE },
} as const;
const WEATHER = {
  type: "function" as const,
  function: { name: "weather", parameters: PLACE },
};
const OSLO = { city: "Oslo" };

onEachDatabase((newDatabase) => {
  let upstream: Upstream;
  let purser: TestPurser;
  let openai: OpenAI;
  let database: string;

  before(async () => {
    database = await newDatabase();
    upstream = await startUpstream();
    purser = await startTestPurser({
      database,
      upstream: upstream.origin,
      router: { num_retries: 0 },
      models: foreignModels(upstream.origin),
    });
    openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${purser.base}/v1`, maxRetries: 0 });
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });
  after(async () => {
    await purser.stop();
    await upstream.close();
  });

  for (const [model, { voice }] of Object.entries(FOREIGN)) {
    describe(model, () => {
      const HI = { role: "user" as const, content: "hi" };
      let user = "";
      let calls = 0;
      beforeEach(() => {
        calls += 1;
        user = `${model}, ${String(calls)}`;
      });
      const asked = (more: object = {}) => ({ model, user, messages: [HI], ...more });
      const postedOnce = async (): Promise<void> => {
        const postings = await postingsOf(database, user);
        const figures = postings.map(({ source, charge }) => [source, charge]);
        assert.deepEqual(figures, [["provider", 60_000_000]], "twenty in, twenty out");
      };
      const finalOf = (said: Said, more: object = {}) => {
        upstream.answer = voice.streamed(said);
        return streamedBy(asked(more));
      };
      const streamedBy = async (body: ReturnType<typeof asked>) => {
        const runner = openai.chat.completions.stream({
          ...body,
          stream_options: { include_usage: true },
        });
        let reasoning = "";
        const thoughts: unknown[] = [];
        runner.on("chunk", ({ choices }) => {
          const delta = choices[0]?.delta ?? {};
          reasoning += "reasoning_content" in delta ? String(delta.reasoning_content) : "";
          if ("thinking_blocks" in delta) thoughts.push(delta.thinking_blocks);
        });
        const completion = await runner.finalChatCompletion();
        return { completion, reasoning, thoughts };
      };

      test("text, in one piece and streamed", async () => {
        upstream.answer = voice.whole({ text: "Hello." });
        const { choices, usage } = await openai.chat.completions.create(asked());
        assert.equal(choices[0]?.message.content, "Hello.");
        assert.equal(choices[0]?.finish_reason, "stop");
        assert.deepEqual(totals(usage), [20, 20, 40]);
        await postedOnce();
        user += ", streamed";
        const { completion } = await finalOf({ text: "Hello." });
        assert.equal(completion.choices[0]?.message.content, "Hello.");
        assert.equal(completion.choices[0]?.finish_reason, "stop");
        assert.deepEqual(totals(completion.usage), [20, 20, 40]);
        await postedOnce();
      });

      test("a tool's call, in one piece and streamed", async () => {
        const call = { name: "weather", input: OSLO };
        upstream.answer = voice.whole({ call });
        const { choices, usage } = await openai.chat.completions.create(
          asked({ tools: [WEATHER] }),
        );
        const [choice] = choices;
        assert.deepEqual(callsIn(choice?.message), [["weather", OSLO]]);
        assert.deepEqual([choice?.message.content, choice?.finish_reason], [null, "tool_calls"]);
        assert.deepEqual(totals(usage), [20, 20, 40]);
        await postedOnce();
        user += ", streamed";
        const { completion } = await finalOf({ call }, { tools: [WEATHER] });
        assert.deepEqual(callsIn(completion.choices[0]?.message), [["weather", OSLO]]);
        assert.equal(completion.choices[0]?.finish_reason, "tool_calls");
        assert.deepEqual(totals(completion.usage), [20, 20, 40]);
        await postedOnce();
      });

      test("a tool's result is answered, with what was thought before its call", async () => {
        upstream.answer = voice.whole({
          reasoning: "Hm.",
          call: { name: "weather", input: OSLO },
        });
        const effort = { reasoning_effort: "low", tools: [WEATHER] };
        const first = await openai.chat.completions.create(asked(effort));
        const message = first.choices[0]?.message;
        assert.ok(message);
        const [called] = message.tool_calls ?? [];
        const result = { role: "tool", tool_call_id: called?.id, content: "rain" };
        upstream.answer = voice.whole({ text: "It rains." });
        const second = asked({ ...effort, messages: [HI, message, result] });
        const { choices } = await openai.chat.completions.create(second);
        assert.equal(choices[0]?.message.content, "It rains.");
        const sent = JSON.stringify(
          upstream.received[1]?.body["messages"] ?? upstream.received[1]?.body["contents"],
        );
        assert.match(sent, /rain/);
        assert.match(sent, /weather/);
        // Cohere signs nothing, and does not want its thoughts back.
        if (model !== "cohere") assert.match(sent, /"c2ln"/, "the signature of the thought");
      });

      test("JSON of a schema is content, in one piece and streamed", async () => {
        upstream.answer = jsonIn(voice.whole);
        const body = asked({ response_format: FORMAT });
        const { choices, usage } = await openai.chat.completions.parse(body);
        const [choice] = choices;
        assert.deepEqual(JSON.parse(choice?.message.content ?? ""), OSLO);
        assert.equal(choice?.message.tool_calls, undefined);
        assert.equal(choice?.finish_reason, "stop");
        assert.deepEqual(totals(usage), [20, 20, 40]);
        await postedOnce();
        user += ", streamed";
        upstream.answer = jsonIn(voice.streamed);
        const { completion } = await streamedBy(asked({ response_format: FORMAT }));
        const [last] = completion.choices;
        assert.deepEqual(JSON.parse(last?.message.content ?? ""), OSLO);
        assert.equal(last?.message.tool_calls, undefined);
        assert.equal(last?.finish_reason, "stop");
        assert.deepEqual(totals(completion.usage), [20, 20, 40]);
        await postedOnce();
      });

      test("any JSON is content", async () => {
        upstream.answer = jsonIn(voice.whole);
        const body = asked({ response_format: { type: "json_object" } });
        const { choices } = await openai.chat.completions.create(body);
        assert.deepEqual(JSON.parse(choices[0]?.message.content ?? ""), OSLO);
        assert.equal(choices[0]?.finish_reason, "stop");
      });

      test("reasoning is shown and counted, in one piece and streamed", async () => {
        const said = { reasoning: "Let me see.", text: "Hello." };
        upstream.answer = voice.whole(said);
        const effort = { reasoning_effort: "high", max_tokens: 8000 };
        const { choices, usage } = await openai.chat.completions.create(asked(effort));
        const message: { content?: unknown; reasoning_content?: unknown } =
          choices[0]?.message ?? {};
        assert.deepEqual([message.reasoning_content, message.content], ["Let me see.", "Hello."]);
        assert.deepEqual(totals(usage), [20, 20, 40]);
        assert.equal(usage?.completion_tokens_details?.reasoning_tokens, reasoningTold(model));
        await postedOnce();
        user += ", streamed";
        const { completion, reasoning, thoughts } = await finalOf(said, effort);
        assert.equal(reasoning, "Let me see.");
        const signed = { type: "thinking", thinking: "Let me see.", signature: "c2ln" };
        assert.deepEqual(thoughts, signsThoughts(model) ? [[signed]] : []);
        assert.equal(completion.choices[0]?.message.content, "Hello.");
        assert.deepEqual(totals(completion.usage), [20, 20, 40]);
        assert.equal(
          completion.usage?.completion_tokens_details?.reasoning_tokens,
          reasoningTold(model),
        );
        await postedOnce();
      });

      for (const status of [400, 401, 404, 429]) {
        test(`a ${String(status)} keeps its status and its words, and costs nothing`, async () => {
          upstream.answer = (_received, response) => {
            response.setHeader("retry-after", "7");
            json(response, status, voice.error("the provider's words"));
          };
          for (const stream of [false, true]) {
            const refused = openai.chat.completions.create(asked({ stream }));
            await assert.rejects(refused, (error) => {
              assert.ok(error instanceof APIError);
              assert.equal(error.status, status);
              assert.match(error.message, /the provider's words/);
              assert.equal(error.headers?.get("retry-after"), "7");
              return true;
            });
          }
          assert.equal((await purser.info(user)).spend, 0);
        });
      }

      for (const status of [500, 503, 529]) {
        test(`a ${String(status)} is a failure of the provider's, and costs nothing`, async () => {
          upstream.answer = (_received, response) =>
            json(response, status, voice.error("the provider's words"));
          for (const stream of [false, true]) {
            const failed = openai.chat.completions.create(asked({ stream }));
            await assert.rejects(failed, (error) => {
              return error instanceof APIError && error.status === 502;
            });
          }
          assert.equal((await purser.info(user)).spend, 0);
        });
      }

      test("an error in mid-stream is raised there, and what was said is charged", async () => {
        upstream.answer = voice.failing("a word or two of an answer");
        let text = "";
        const body = { ...asked(), stream: true } as const;
        await assert.rejects(async () => {
          for await (const { choices } of await openai.chat.completions.create(body)) {
            text += choices[0]?.delta.content ?? "";
          }
        }, APIError);
        assert.equal(text, "a word or two of an answer");
        await until(async () => (await postingsOf(database, user)).length === 1);
        const [posting] = await postingsOf(database, user);
        assert.equal(posting?.kind, "settled");
        assert.ok(posting.charge > 0);
      });
    });
  }
});

/** JSON is said in the way that it was asked for. */
function jsonIn(speak: (said: Said) => Script): Script {
  return (received, response) => {
    const said = asksTool(received)
      ? { call: { name: "json", input: OSLO } }
      : { text: JSON.stringify(OSLO) };
    return speak(said)(received, response);
  };
}

/** Whether the schema stands in a tool. */
function asksTool({ body }: Received): boolean {
  return /"name":"json"/.test(JSON.stringify(body["tools"] ?? body["toolConfig"] ?? null));
}

/** Only Google says how much of its output was thought. */
function reasoningTold(model: string): number {
  return /gemini|vertex/.test(model) ? 8 : 0;
}

function signsThoughts(model: string): boolean {
  return /anthropic|bedrock/.test(model);
}

function totals(usage: OpenAI.CompletionUsage | undefined): readonly unknown[] {
  return [usage?.prompt_tokens, usage?.completion_tokens, usage?.total_tokens];
}

function callsIn(message: OpenAI.ChatCompletionMessage | undefined): readonly unknown[] {
  return (message?.tool_calls ?? []).map((call) => {
    assert.equal(call.type, "function");
    return [call.function.name, JSON.parse(call.function.arguments)];
  });
}
