/** Routes whose output is no text of the model's: embeddings, moderations, rankings. Their input is all that costs. */

import type { Json } from "../../platform/json.ts";
import type { Dialect } from "./dialect.ts";
import { invalid, requireInput } from "./fields.ts";

const NO_OUTPUT = { stream: false, wantsUsage: true, outputTokensMax: 0, choices: 1 } as const;

export const embedding: Dialect = {
  family: "openai",
  convention: "openai_embeddings",
  read(body) {
    requireInput(body, "input");
    return NO_OUTPUT;
  },
  outbound: ({ model }) => ({ model }),
  producedIn: () => null,
  stream: null,
};

/** The model may be left out, as OpenAI has a default; then the first one that is configured for it is meant. */
export const moderation: Dialect = { ...embedding };

/** Cohere's route, which Jina, Together and others serve as well. */
export const ranking: Dialect = {
  ...embedding,
  family: "rerank",
  convention: "rerank",
  read(body) {
    if (typeof body["query"] !== "string") throw invalid("query must be text.", "query");
    requireInput(body, "documents");
    return { ...NO_OUTPUT, units: { searches: searchesFor(body["documents"]) } };
  },
  // Cohere refuses fields that it does not know.
  outbound: ({ model }) => ({ model, user: undefined, safety_identifier: undefined }),
};

/** Cohere bills a search for each hundred documents, and counts a long document as several. */
const DOCUMENTS_PER_SEARCH = 100;
const DOCUMENT_BYTES = 1000;

function searchesFor(documents: Json | undefined): number {
  const list = Array.isArray(documents) ? documents : [];
  const pieces = list.reduce<number>(
    (total, document) => total + Math.ceil(JSON.stringify(document).length / DOCUMENT_BYTES),
    0,
  );
  return Math.max(1, Math.ceil(pieces / DOCUMENTS_PER_SEARCH));
}
