/** The inference routes as the OpenAPI document shows them. What is in a body, and in an answer, is the provider's. */

import type { FastifyInstance, FastifySchema } from "fastify";
import type { Route } from "./routes.ts";

const SUMMARIES: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "Answer a conversation",
  "/v1/completions": "Continue a text",
  "/v1/responses": "Answer, by OpenAI's Responses API",
  "/v1/messages": "Answer, by Anthropic's Messages API",
  "/v1/messages/count_tokens": "Count the tokens of a conversation",
  "/v1/embeddings": "Embed texts",
  "/v1/moderations": "Classify texts",
  "/v1/rerank": "Order documents by relevance",
  "/v1/images/generations": "Make images",
  "/v1/images/edits": "Change an image",
  "/v1/audio/speech": "Speak a text",
  "/v1/audio/transcriptions": "Write down what is said",
  "/v1/audio/translations": "Write down in English what is said",
  "/v1beta/models:generateContent": "Answer, by Gemini's API",
  "/v1beta/models:streamGenerateContent": "Answer in a stream, by Gemini's API",
};

const CUSTOMER = { type: "string", description: "Names the customer; it wins over the body." };

const HEADERS = {
  type: "object",
  properties: { "x-litellm-customer-id": CUSTOMER, "x-litellm-end-user-id": CUSTOMER },
};

const ANSWER_HEADERS = {
  "x-request-id": { type: "string", description: "The call's id, in the spend log too." },
  "x-litellm-response-cost": {
    type: "string",
    description: "Dollars. A stream tells them in its usage, else in a comment: `: cost=0.06`.",
  },
  "x-litellm-response-cost-original": {
    type: "string",
    description:
      "The cost before a markup; also `-discount-amount`, `-margin-amount`, `-margin-percent`.",
  },
  "x-purser-budget-remaining": {
    type: "string",
    description: "Dollars left of the customer's tightest budget.",
  },
  "x-purser-budget-reset": { type: "string", description: "When that budget's window ends." },
};

const MODEL = { type: "string", description: "A name of GET /v1/models." };
const USER = { type: "string", description: "The customer who is charged." };

const BODY = {
  type: "object",
  required: ["model"],
  additionalProperties: true,
  properties: { model: MODEL, user: USER, stream: { type: "boolean" } },
};

/** Where the path names the model, and says whether the answer is streamed. */
const BODY_BESIDE_PATH = {
  type: "object",
  additionalProperties: true,
  properties: { user: USER },
};

const PATH = { type: "object", required: ["model"], properties: { model: MODEL } };

const METERED =
  "Also without `/v1`. Held against every budget first, forwarded as it is, and settled before the last byte.";

const FREE = "Also without `/v1`. Forwarded as it is. Costs nothing.";

/** Schemas of this scope describe and refuse nothing: bodies have not been read when they would be checked. */
export function describeOnly(app: FastifyInstance): void {
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
}

/** One description for all paths on which a route comes in: the first of them. */
export function callSchema(path: string, { name, paths, meter }: Route): FastifySchema {
  return {
    hide: path !== paths[0],
    summary: SUMMARIES[name] ?? "Call a model",
    description: meter === "free" ? FREE : METERED,
    tags: ["inference"],
    headers: HEADERS,
    ...(path.includes("{model}") ? { params: PATH, body: BODY_BESIDE_PATH } : { body: BODY }),
    response: {
      200: {
        description: "What the provider answered.",
        headers: ANSWER_HEADERS,
        content: {
          "application/json": { schema: { type: "object", additionalProperties: true } },
          "text/event-stream": { schema: { type: "string" } },
        },
      },
    },
  };
}

/** Reading and deleting what a provider has stored. */
export function storedSchema(path: string, summary: string): FastifySchema {
  return {
    hide: !path.startsWith("/v1/"),
    summary,
    description: "At the provider that stored it. Costs nothing.",
    tags: ["inference"],
    params: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
    response: {
      200: {
        description: "What the provider answered.",
        type: "object",
        additionalProperties: true,
      },
    },
  };
}

export function modelsSchema(path: string): FastifySchema {
  const model = {
    type: "object",
    required: ["id", "object"],
    properties: { id: { type: "string" }, object: { const: "model" } },
  };
  return {
    hide: path !== "/v1/models",
    summary: "The models that can be called",
    tags: ["inference"],
    response: {
      200: {
        description: "OpenAI's list.",
        type: "object",
        required: ["object", "data"],
        properties: { object: { const: "list" }, data: { type: "array", items: model } },
      },
    },
  };
}
