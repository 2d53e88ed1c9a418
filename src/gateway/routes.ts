/**
 * Every route on which a model can be called: where it comes in, what its body is, and how it is metered. A route that
 * is not in this table is not served, so there is no way past the ledger.
 */

import { chat, completion } from "./dialects/chat.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { gemini, geminiStream } from "./dialects/gemini.ts";
import { image, speech, transcription } from "./dialects/media.ts";
import { counting, messages } from "./dialects/messages.ts";
import { embedding, moderation, ranking } from "./dialects/plain.ts";
import { responses } from "./dialects/responses.ts";

export interface Route {
  /** The canonical path, under which postings and metrics know it. */
  readonly name: string;
  /** `{model}` names the model, and then stands for the body's. */
  readonly paths: readonly string[];
  /** What follows the provider's base address. */
  readonly upstreamPath: string;
  readonly dialect: Dialect;
  /** `posting`: held, metered and posted. `free`: the provider charges nothing for it, and so do we. */
  readonly meter: "posting" | "free";
  /** The model of a body that names none, where the provider has one too. */
  readonly modelDefault?: string;
}

const GEMINI_PATHS = ["/v1beta/models/{model}", "/v1/models/{model}", "/models/{model}"];

const CHAT_ROUTE = openai("/chat/completions", chat);

export const CHAT: Route = {
  ...CHAT_ROUTE,
  paths: [...CHAT_ROUTE.paths, "/engines/{model}/chat/completions"],
};

export const ROUTES: readonly Route[] = [
  CHAT,
  openai("/completions", completion),
  openai("/embeddings", embedding),
  { ...openai("/moderations", moderation), modelDefault: "omni-moderation-latest" },
  openai("/images/generations", image),
  openai("/images/edits", image),
  openai("/audio/speech", speech),
  openai("/audio/transcriptions", transcription),
  openai("/audio/translations", transcription),
  {
    ...route("/responses", responses),
    paths: ["/v1/responses", "/responses", "/openai/v1/responses"],
  },
  { ...route("/rerank", ranking), paths: ["/v1/rerank", "/v2/rerank", "/rerank"] },
  {
    ...route("/messages", messages),
    paths: ["/v1/messages", "/messages", "/anthropic/v1/messages"],
  },
  {
    ...route("/messages/count_tokens", counting),
    paths: [
      "/v1/messages/count_tokens",
      "/messages/count_tokens",
      "/anthropic/v1/messages/count_tokens",
    ],
    meter: "free",
  },
  google(":generateContent", gemini),
  google(":streamGenerateContent", geminiStream),
];

function route(path: string, dialect: Dialect): Route {
  return {
    name: `/v1${path}`,
    paths: [`/v1${path}`, path],
    upstreamPath: path,
    dialect,
    meter: "posting",
  };
}

/** Azure's clients name the deployment in the path. */
function openai(path: string, dialect: Dialect): Route {
  const common = route(path, dialect);
  return { ...common, paths: [...common.paths, `/openai/deployments/{model}${path}`] };
}

function google(action: string, dialect: Dialect): Route {
  return {
    name: `/v1beta/models${action}`,
    paths: GEMINI_PATHS.map((path) => path + action),
    upstreamPath: `/models/{model}${action}`,
    dialect,
    meter: "posting",
  };
}
