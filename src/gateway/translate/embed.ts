/** Has embeddings made by a provider that asks otherwise for them, in as many parts as it takes at once. */

import type { EmbeddingModelV4Embedding } from "@ai-sdk/provider";
import type { Dispatcher } from "undici";
import type { Deadlines, DeploymentConfig } from "../../config/config.ts";
import type { Json, JsonObject } from "../../platform/json.ts";
import type { Embed, Embedder } from "../../providers/embedder.ts";
import type { Client } from "../client.ts";
import { invalid, isSet, tokensIn } from "../dialects/fields.ts";
import type { Answer, Told } from "../forward.ts";
import { untranslated } from "./fitted.ts";
import type { Headers } from "../headers.ts";
import { answered, type Exchange, type Made, type Talk } from "./exchange.ts";

/** More would be a rush on a provider, and no faster. */
const PARTS_AT_ONCE = 4;

const BYTES_PER_NUMBER = Float32Array.BYTES_PER_ELEMENT;

/** LiteLLM's. */
const KIND_DEFAULT = "search_document";

interface AskedTexts {
  readonly texts: readonly string[];
  readonly dimensions: number | null;
  /** Cohere's models want to know what the texts are for; null where nobody said. */
  readonly kind: string | null;
  readonly isBase64: boolean;
  /** Fields that there are no words for. */
  readonly dropped: readonly string[];
}

const TRANSLATED = ["dimensions", "encoding_format", "input", "input_type", "model", "user"];

export interface Embedding {
  readonly asked: AskedTexts;
  readonly embed: Embed;
  readonly deployment: DeploymentConfig;
  readonly model: string;
  readonly deadlines: Deadlines;
}

/** Throws `invalid_request`. */
export function textsIn(body: JsonObject): AskedTexts {
  const { input, encoding_format: format, input_type: kind } = body;
  if (isSet(format) && format !== "float" && format !== "base64") {
    throw invalid("encoding_format must be float or base64.", "encoding_format");
  }
  return {
    texts: (Array.isArray(input) ? input : [input]).map(textOf),
    dimensions: tokensIn(body, "dimensions") ?? null,
    kind: typeof kind === "string" ? kind : null,
    isBase64: format === "base64",
    dropped: Object.keys(body).filter((field) => isSet(body[field]) && !TRANSLATED.includes(field)),
  };
}

function textOf(text: Json | undefined): string {
  if (typeof text === "string") return text;
  throw invalid("input must be text, or texts: tokens mean nothing to this provider.", "input");
}

/** Never rejects. */
export function embedTexts(
  given: Embedding,
  upstream: Dispatcher,
  client: Client,
): Promise<Answer> {
  return answered(new Embeddings(given), given.deadlines, upstream, client);
}

class Embeddings implements Talk {
  readonly isStream = false;
  readonly #given: Embedding;
  #receivedBytes = 0;
  /** Null once a part did not say what it used. */
  #tokens: number | null = 0;

  constructor(given: Embedding) {
    this.#given = given;
  }

  async answer(exchange: Exchange): Promise<Answer> {
    const { asked, embed, deployment, model } = this.#given;
    const embedder = await embed(deployment, exchange.fetch);
    const parts = await this.#parts(embedder);
    const vectors = await atMost(PARTS_AT_ONCE, parts, (texts) =>
      this.#part(texts, embedder, exchange),
    );
    const data = vectors.flat().map((vector, index) => ({
      object: "embedding",
      index,
      embedding: asked.isBase64 ? base64(vector) : vector,
    }));
    const told = this.#told();
    const answer = { object: "list", data, model, ...told?.answer };
    const headers = { "content-type": "application/json", ...this.#dropped(embedder) };
    return { kind: "whole", status: 200, headers, body: Buffer.from(JSON.stringify(answer)), told };
  }

  /** What one part used says little of the rest: from the first on, all of the input is estimated. */
  made(): Made {
    return { told: null, produced: null, receivedBytes: this.#receivedBytes, convention: null };
  }

  async #parts({ model }: Embedder): Promise<readonly (readonly string[])[]> {
    const { texts } = this.#given.asked;
    const size = (await model.maxEmbeddingsPerCall) ?? texts.length;
    const count = Math.ceil(texts.length / size);
    return Array.from({ length: count }, (_, index) =>
      texts.slice(index * size, (index + 1) * size),
    );
  }

  async #part(
    texts: readonly string[],
    { model, options }: Embedder,
    exchange: Exchange,
  ): Promise<readonly EmbeddingModelV4Embedding[]> {
    const { asked, deadlines } = this.#given;
    const { dimensions, kind } = asked;
    const { embeddings, usage } = await model.doEmbed({
      values: [...texts],
      providerOptions: options(kind ?? KIND_DEFAULT, dimensions),
      abortSignal: exchange.signal,
      ...(dimensions === null ? {} : { dimensions }),
    });
    exchange.heard(deadlines.headersMs);
    this.#receivedBytes += embeddings.length * BYTES_PER_NUMBER * (embeddings[0]?.length ?? 0);
    const tokens = usage?.tokens;
    const isTold = tokens !== undefined && Number.isInteger(tokens);
    this.#tokens = this.#tokens === null || !isTold ? null : this.#tokens + tokens;
    return embeddings;
  }

  #dropped({ takesKind }: Embedder): Headers {
    const { dropped, kind } = this.#given.asked;
    return untranslated(kind === null || takesKind ? dropped : [...dropped, "input_type"], []);
  }

  #told(): Told | null {
    const tokens = this.#tokens;
    if (tokens === null) return null;
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    return { convention: "openai_embeddings", answer: { usage } };
  }
}

/** As OpenAI packs them: 32-bit floats, the lowest byte first. */
function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER);
  for (const [index, value] of vector.entries()) {
    bytes.writeFloatLE(value, index * BYTES_PER_NUMBER);
  }
  return bytes.toString("base64");
}

/** Results in the order of the items; the first failure ends the work. */
async function atMost<Item, Result>(
  workers: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const run = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: workers }, run));
  return results;
}
