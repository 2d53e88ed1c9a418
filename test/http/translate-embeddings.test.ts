/** Embeddings by providers that ask otherwise for them: OpenAI's SDK on one side, the provider's shapes on the other. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import OpenAI, { APIError } from "openai";
import { onEachDatabase } from "../support/databases.ts";
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

interface Embedding {
  readonly params: Readonly<Record<string, string>>;
  readonly answer: Script;
  /** The texts of one request. */
  readonly textsIn: (body: Received["body"]) => readonly string[];
  /** How many texts go in one request. */
  readonly together: number;
  readonly path: RegExp;
  /** Where 256 dimensions are asked for. */
  readonly dimensions: object;
  /** Five tokens for a text; one provider tells nothing. */
  readonly tells: boolean;
  readonly untranslated: string | null;
}

const AMAZON = {
  aws_region_name: "us-east-1",
  aws_access_key_id: "AKIATEST",
  aws_secret_access_key: "secret",
};
const TOKENS = 5;

const GEMINI_PARTS = (content: unknown) =>
  (content as { parts: { text: string }[] }).parts.map(({ text }) => text);

const EMBEDDINGS: Readonly<Record<string, Embedding>> = {
  gemini: {
    params: { model: "gemini/gemini-embedding-001", api_key: "k" },
    textsIn: ({ requests, content }) =>
      content === undefined
        ? (requests as { content: unknown }[]).flatMap((each) => GEMINI_PARTS(each.content))
        : GEMINI_PARTS(content),
    answer: (received, response) => {
      const vectors = textsOf("gemini", received).map((text) => ({ values: vectorOf(text) }));
      const isOne = received.path.endsWith(":embedContent");
      json(response, 200, isOne ? { embedding: vectors[0] } : { embeddings: vectors });
    },
    together: 100,
    path: /:(?:batchEmbedContents|embedContent)$/,
    dimensions: { outputDimensionality: 256 },
    tells: false,
    untranslated: "input_type",
  },
  vertex: {
    params: { model: "vertex_ai/text-embedding-005", api_key: "k" },
    textsIn: ({ instances }) => (instances as { content: string }[]).map(({ content }) => content),
    answer: (received, response) => {
      const predictions = textsOf("vertex", received).map((text) => ({
        embeddings: {
          values: vectorOf(text),
          statistics: { token_count: TOKENS, truncated: false },
        },
      }));
      json(response, 200, { predictions });
    },
    together: 250,
    path: /:predict$/,
    dimensions: { parameters: { outputDimensionality: 256 } },
    tells: true,
    untranslated: "input_type",
  },
  titan: {
    params: { model: "bedrock/amazon.titan-embed-text-v2:0", ...AMAZON },
    textsIn: ({ inputText }) => [String(inputText)],
    answer: (received, response) => {
      const [text = ""] = textsOf("titan", received);
      json(response, 200, { embedding: vectorOf(text), inputTextTokenCount: TOKENS });
    },
    together: 1,
    path: /\/model\/amazon\.titan-embed-text-v2%3A0\/invoke$/,
    dimensions: { dimensions: 256 },
    tells: true,
    untranslated: "input_type",
  },
  bedrock_cohere: {
    params: { model: "bedrock/cohere.embed-v4:0", ...AMAZON },
    textsIn: ({ texts }) => texts as string[],
    answer: (received, response) => {
      const texts = textsOf("bedrock_cohere", received);
      response.setHeader("x-amzn-bedrock-input-token-count", texts.length * TOKENS);
      json(response, 200, { embeddings: { float: texts.map(vectorOf) } });
    },
    together: 96,
    path: /\/model\/cohere\.embed-v4%3A0\/invoke$/,
    dimensions: { output_dimension: 256, input_type: "classification" },
    tells: true,
    untranslated: null,
  },
  cohere: {
    params: { model: "cohere/embed-v4.0", api_key: "k" },
    textsIn: ({ texts }) => texts as string[],
    answer: (received, response) => {
      const texts = textsOf("cohere", received);
      json(response, 200, {
        id: "1",
        embeddings: { float: texts.map(vectorOf) },
        texts,
        meta: { billed_units: { input_tokens: texts.length * TOKENS } },
      });
    },
    together: 96,
    path: /\/embed$/,
    dimensions: { output_dimension: 256, input_type: "classification" },
    tells: true,
    untranslated: null,
  },
};

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
      models: Object.entries(EMBEDDINGS).map(([name, { params }]) => ({
        model_name: name,
        litellm_params: { ...params, api_base: upstream.origin },
        model_info: { input_cost_per_token: 0.001, mode: "embedding" },
      })),
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

  for (const [model, embedding] of Object.entries(EMBEDDINGS)) {
    describe(model, () => {
      beforeEach(() => {
        upstream.answer = embedding.answer;
      });

      test("one text, or several, as floats and packed, at the provider's own count", async () => {
        const user = `${model}, texts`;
        // OpenAI's SDK asks for them packed where it is not told otherwise.
        for (const format of [{}, { encoding_format: "float" as const }]) {
          const several = { model, user, input: ["a", "bcd"], ...format };
          const { data, usage } = await openai.embeddings.create(several);
          assert.deepEqual(
            data.map(({ embedding: vector, index }) => [index, ...vector]),
            [
              [0, ...vectorOf("a")],
              [1, ...vectorOf("bcd")],
            ],
          );
          const used = embedding.tells ? { prompt_tokens: 10, total_tokens: 10 } : undefined;
          assert.deepEqual(usage, used);
        }
        const one = await openai.embeddings.create({ model, user, input: "abcd" });
        assert.deepEqual(one.data[0]?.embedding, vectorOf("abcd"));
        assert.ok(upstream.received.every(({ path }) => embedding.path.test(path)));
        const postings = await postingsOf(database, user);
        const sources = postings.map(({ source }) => source);
        assert.deepEqual(sources, Array(3).fill(embedding.tells ? "provider" : "estimated"));
        const tokens = postings.reduce((sum, { charge }) => sum + charge, 0) / 1_000_000;
        assert.ok(embedding.tells ? tokens === 25 : tokens > 0, String(tokens));
      });

      test("dimensions and the kind of input are asked for, and what cannot be is told", async () => {
        const input_type = "classification";
        const asked = { model, input: "a", dimensions: 256, input_type };
        const reply = await purser.post("/v1/embeddings", asked);
        assert.equal(reply.status, 200, reply.text);
        const body = upstream.received[0]?.body ?? {};
        assert.partialDeepStrictEqual(body, embedding.dimensions);
        assert.equal(reply.headers.get("x-purser-untranslated"), embedding.untranslated);
      });

      test("more texts than the provider takes at once go in parts, and come in order", async () => {
        const input = Array.from({ length: embedding.together + 3 }, (_, n) => "x".repeat(n + 1));
        const { data } = await openai.embeddings.create({ model, input });
        assert.deepEqual(
          data.map(({ embedding: [length] }) => length),
          input.map(({ length }) => length),
        );
        const parts = upstream.received.map(({ body }) => embedding.textsIn(body).length);
        assert.equal(Math.max(...parts), embedding.together);
        assert.equal(parts.length, Math.ceil(input.length / embedding.together));
      });

      test("a provider's refusal keeps its status and its words, and costs nothing", async () => {
        upstream.answer = (_received, response) => {
          response.setHeader("retry-after", "7");
          json(response, 429, {
            message: "slow",
            error: { code: 429, message: "slow", status: "X" },
          });
        };
        const user = `${model}, refused`;
        await assert.rejects(openai.embeddings.create({ model, user, input: "a" }), (error) => {
          assert.ok(error instanceof APIError);
          assert.deepEqual([error.status, error.headers?.get("retry-after")], [429, "7"]);
          assert.match(error.message, /slow/);
          return true;
        });
        assert.equal((await purser.info(user)).spend, 0);
      });

      test("who cannot pay is refused, and the provider sees nothing", async () => {
        const user = `${model}, over`;
        await purser.post("/customer/new", { user_id: user, max_budget: 0.000001 });
        const refused = openai.embeddings.create({ model, user, input: "a" });
        await assert.rejects(refused, /ExceededBudget/);
        assert.equal(upstream.received.length, 0);
      });

      test("who leaves takes the provider along, and is charged the input", async () => {
        const user = `${model}, leaving`;
        const leaving = new AbortController();
        upstream.answer = () => leaving.abort();
        const { signal } = leaving;
        await assert.rejects(openai.embeddings.create({ model, user, input: "a" }, { signal }));
        await upstream.received[0]?.closed;
        await until(async () => (await postingsOf(database, user)).length === 1);
        const [posting] = await postingsOf(database, user);
        assert.deepEqual([posting?.note, posting?.source], ["client_left", "estimated"]);
        assert.ok(posting && posting.charge > 0);
      });
    });
  }

  test("where a part fails after another was made, the input is estimated, and no part follows", async () => {
    const { answer } = embeddingOf("titan");
    upstream.answer = (received, response) =>
      textsOf("titan", received)[0] === "bad"
        ? json(response, 500, { message: "no" })
        : answer(received, response);
    const input = ["a", "b", "c", "d", "bad", ...Array<string>(50).fill("e")];
    const user = "half made";
    const failed = openai.embeddings.create({ model: "titan", user, input });
    await assert.rejects(failed, (error) => error instanceof APIError && error.status === 502);
    assert.ok(upstream.received.length < 20, String(upstream.received.length));
    const [posting] = await postingsOf(database, user);
    assert.deepEqual([posting?.source, posting?.note], ["estimated", "broke_off"]);
    assert.ok(posting && posting.charge > 0);
  });

  test("tokens in place of text mean nothing to another provider", async () => {
    const reply = await purser.post("/v1/embeddings", { model: "cohere", input: [[1, 2]] });
    assert.equal(reply.status, 400);
    assert.match(reply.body.error.message, /input must be text/);
    assert.equal(upstream.received.length, 0);
  });
});

function textsOf(name: string, { body }: Received): readonly string[] {
  return embeddingOf(name).textsIn(body);
}

function embeddingOf(name: string): Embedding {
  const embedding = EMBEDDINGS[name];
  assert.ok(embedding);
  return embedding;
}

/** One that tells the texts apart, in numbers that 32 bits hold exactly. */
function vectorOf(text: string): number[] {
  return [text.length, 0.5, -0.25];
}
