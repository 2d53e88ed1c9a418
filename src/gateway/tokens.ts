/** Bounds and estimates of how many tokens a request's text is. */

import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import type { Upload } from "./form.ts";
import { textAt } from "./dialects/events.ts";
import { isSet } from "./dialects/fields.ts";

/**
 * Chat templates wrap a message in three to six tokens (role, separators), and a request in about as many again to
 * prime the answer. Eight for each covers the templates of the families that are served.
 */
const MESSAGE_TOKENS = 8;
const REQUEST_TOKENS = 8;

/** An image given by address may be split into tiles: 48,000 tokens is the most that a current model counts for one. */
const IMAGE_TOKENS_MAX = 50_000;

/** A file given by id may fill the context of the models that read files, and nothing here tells its length. */
const FILE_TOKENS_MAX = 200_000;

/** What the provider has stored, as an earlier response or a film, may fill the longest context that is on sale. */
const STORED_TOKENS_MAX = 1_050_000;

/** Providers count ten tokens for a second of sound, and speech at six kilobits is as small as it gets. */
const SOUND_BYTES_PER_TOKEN = 64;

/** The same for speech at 32 kilobits, which most of it is better than. */
const SOUND_BYTES_LIKELY = 400;

/** Tokenising this much takes some 10 ms of prose; a longer text keeps its byte bound rather than block other calls. */
const TOKENISED_BYTES_MAX = 64 * 1024;

/** The tokenizer's time grows with the square of a word: 64 kB of one letter took 2.4 s whole, and 3 ms in slices. */
const SLICE_CHARS = 1024;

/**
 * Other families' tokenizers make up to about 1.6 times as many tokens of ordinary text as this one; where they make
 * more, the byte bound still stands, because the smaller of the two is used only after this margin.
 */
const FAMILY_MARGIN = 2;

type Uploads = readonly Upload[];

/** English has four bytes to a token, so this leans up. */
const BYTES_PER_TOKEN = 3;

interface Text {
  readonly parts: string[];
  /** Tokens that no text accounts for: templates and images. */
  fixedTokens: number;
}

/**
 * A sound upper bound that costs nothing: a byte-level tokenizer cannot make more tokens than the text has bytes. It
 * overshoots English about fourfold; the difference comes back at settle, seconds later.
 */
export function inputTokensByBytes(body: JsonObject, uploads: Uploads = []): number {
  const { parts, fixedTokens } = textOf(body, uploads);
  return fixedTokens + bytesOf(parts);
}

/** A closer bound by really tokenising, with a margin; null where the text is too long for that. */
export async function inputTokensByTokenizer(
  body: JsonObject,
  uploads: Uploads = [],
): Promise<number | null> {
  const { parts, fixedTokens } = textOf(body, uploads);
  const bytes = bytesOf(parts);
  if (bytes > TOKENISED_BYTES_MAX) return null;
  return fixedTokens + Math.min(bytes, FAMILY_MARGIN * (await countTokens(parts)));
}

/** What the input most likely was, leaning up; for calls whose provider never said. */
export async function estimatedInputTokens(
  body: JsonObject,
  uploads: Uploads = [],
): Promise<number> {
  const pictures = uploads.filter(({ kind }) => kind === "image");
  const sound = uploads.filter(({ kind }) => kind === "other");
  const text = textOf(body, pictures);
  const { parts } = text;
  const fixedTokens = sound.reduce(
    (total, { bytes }) => total + Math.ceil(bytes / SOUND_BYTES_LIKELY),
    text.fixedTokens,
  );
  const bytes = bytesOf(parts);
  if (bytes > TOKENISED_BYTES_MAX) return fixedTokens + Math.ceil(bytes / BYTES_PER_TOKEN);
  return fixedTokens + (await countTokens(parts));
}

/** About what the input is, for a choice of deployment that costs nothing. */
export function estimatedTokensOfBytes(body: JsonObject, uploads: Uploads = []): number {
  const { parts, fixedTokens } = textOf(body, uploads);
  return fixedTokens + Math.ceil(bytesOf(parts) / BYTES_PER_TOKEN);
}

async function countTokens(parts: readonly string[]): Promise<number> {
  // Its tables take 100 ms to load, and most processes never need them.
  const { encode } = await import("gpt-tokenizer/encoding/cl100k_base");
  const options = { disallowedSpecial: new Set<string>() };
  let tokens = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += SLICE_CHARS) {
      tokens += encode(part.slice(at, at + SLICE_CHARS), options).length;
    }
  }
  return tokens;
}

function bytesOf(parts: readonly string[]): number {
  return parts.reduce((total, part) => total + Buffer.byteLength(part), 0);
}

/** Where the dialects keep their turns: each has a role and its content. */
const TURNS = ["messages", "input", "contents"];

/** Whatever the provider has stored, these name it. */
const STORED = ["previous_response_id", "conversation", "cachedContent", "cached_content"];

const NO_TEXT = new Set([
  ...TURNS,
  ...STORED,
  ...(
    "model user stream_options metadata litellm_metadata stop logit_bias reasoning_effort " +
    "service_tier safety_identifier prompt_cache_key generationConfig generation_config " +
    "safetySettings safety_settings encoding_format include stop_sequences thinking"
  ).split(" "),
]);

function isText(value: Json | undefined): value is Json {
  return typeof value === "string" || (typeof value === "object" && value !== null);
}

/** Every piece of the body that the provider puts before the model. */
function textOf(body: JsonObject, uploads: Uploads): Text {
  const text: Text = { parts: [], fixedTokens: REQUEST_TOKENS };
  for (const field of TURNS) addTurns(text, body[field]);
  for (const field of STORED) if (isSet(body[field])) text.fixedTokens += STORED_TOKENS_MAX;
  for (const field in body) {
    const value = body[field];
    // Tools, schemas, predictions, documents: whatever is not known to be no text may reach the model.
    if (!NO_TEXT.has(field) && isText(value)) text.parts.push(written(value));
  }
  for (const schema of schemasIn(body)) text.parts.push(written(schema));
  for (const upload of uploads) text.fixedTokens += uploadTokens(upload);
  return text;
}

/** Gemini's settings are no text, but for the schema that its answer has to keep to. */
function schemasIn(body: JsonObject): readonly Json[] {
  const settings = body["generationConfig"] ?? body["generation_config"];
  if (!isObject(settings)) return [];
  const names = ["responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"];
  return names.flatMap((name) => settings[name] ?? []);
}

function uploadTokens({ kind, bytes }: Upload): number {
  return kind === "image" ? IMAGE_TOKENS_MAX : Math.ceil(bytes / SOUND_BYTES_PER_TOKEN);
}

/** Embeddings have texts, or lists of tokens, where conversations have turns. */
function addTurns(text: Text, turns: Json | undefined): void {
  if (typeof turns === "string") text.parts.push(turns);
  if (!Array.isArray(turns)) return;
  for (const turn of turns) {
    if (isObject(turn)) addTurn(text, turn);
    else text.parts.push(written(turn));
  }
}

/** What is neither role nor content, such as a tool call, counts by the bytes of its JSON. */
function addTurn(text: Text, turn: JsonObject): void {
  text.fixedTokens += MESSAGE_TOKENS;
  if (turn["type"] === "item_reference") text.fixedTokens += STORED_TOKENS_MAX;
  for (const field in turn) {
    const value = turn[field];
    if (field === "role" || value === null || value === undefined) continue;
    if (field === "content" || field === "parts") addContent(text, value);
    else text.parts.push(field, written(value));
  }
}

function addContent(text: Text, content: Json): void {
  if (Array.isArray(content)) for (const piece of content) addPiece(text, piece);
  else addPiece(text, content);
}

/** A kind of content that is not known counts by the bytes of its JSON. */
function addPiece(text: Text, piece: Json): void {
  if (!isObject(piece)) {
    text.parts.push(written(piece));
    return;
  }
  const fixed = mediaTokens(piece);
  if (fixed > 0) {
    text.fixedTokens += fixed;
  } else if (typeof piece["text"] === "string") {
    text.parts.push(piece["text"]);
    addRest(text, piece, "text");
  } else if (Array.isArray(piece["content"])) {
    // The result of a tool may show pictures.
    addContent(text, piece["content"]);
    addRest(text, piece, "content");
  } else {
    text.parts.push(written(piece));
  }
}

/** What stands beside the content of a piece; its type, and the mark that asks for a cache, are no text. */
function addRest(text: Text, piece: JsonObject, known: string): void {
  for (const field in piece) {
    const value = piece[field];
    if (![known, "type", "cache_control"].includes(field) && isText(value)) {
      text.parts.push(written(value));
    }
  }
}

/** What a picture or a document counts at most; 0 for what is neither. */
function mediaTokens(piece: JsonObject): number {
  switch (textAt(piece, "type")) {
    case "image_url":
    case "input_image":
    case "image":
      return IMAGE_TOKENS_MAX;
    case "file":
    case "input_file":
    case "document":
      return FILE_TOKENS_MAX;
    default:
      return geminiMediaTokens(piece);
  }
}

/** Sound and films given in full count by their bytes, which are far more than their tokens. */
function geminiMediaTokens(piece: JsonObject): number {
  if (isObject(piece["fileData"] ?? piece["file_data"])) return STORED_TOKENS_MAX;
  const inline = piece["inlineData"] ?? piece["inline_data"];
  if (!isObject(inline)) return 0;
  const type = textAt(inline, "mimeType") || textAt(inline, "mime_type");
  if (type.startsWith("image/")) return IMAGE_TOKENS_MAX;
  return type === "application/pdf" ? FILE_TOKENS_MAX : 0;
}

function written(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
