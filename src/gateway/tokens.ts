/** Bounds and estimates of how many tokens a request's text is. */

import { isObject, type Json, type JsonObject } from "../platform/json.ts";

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

/** Tokenising this much takes some 10 ms of prose; a longer text keeps its byte bound rather than block other calls. */
const TOKENISED_BYTES_MAX = 64 * 1024;

/** The tokenizer's time grows with the square of a word: 64 kB of one letter took 2.4 s whole, and 3 ms in slices. */
const SLICE_CHARS = 1024;

/**
 * Other families' tokenizers make up to about 1.6 times as many tokens of ordinary text as this one; where they make
 * more, the byte bound still stands, because the smaller of the two is used only after this margin.
 */
const FAMILY_MARGIN = 2;

interface Text {
  readonly parts: string[];
  /** Tokens that no text accounts for: templates and images. */
  fixedTokens: number;
}

/**
 * A sound upper bound that costs nothing: a byte-level tokenizer cannot make more tokens than the text has bytes. It
 * overshoots English about fourfold; the difference comes back at settle, seconds later.
 */
export function inputTokensByBytes(body: JsonObject): number {
  const { parts, fixedTokens } = textOf(body);
  return fixedTokens + bytesOf(parts);
}

/** A closer bound by really tokenising, with a margin; null where the text is too long for that. */
export async function inputTokensByTokenizer(body: JsonObject): Promise<number | null> {
  const { parts, fixedTokens } = textOf(body);
  const bytes = bytesOf(parts);
  if (bytes > TOKENISED_BYTES_MAX) return null;
  return fixedTokens + Math.min(bytes, FAMILY_MARGIN * (await countTokens(parts)));
}

/** What the input most likely was, leaning up; for calls whose provider never said. */
export async function estimatedInputTokens(body: JsonObject): Promise<number> {
  const { parts, fixedTokens } = textOf(body);
  const bytes = bytesOf(parts);
  if (bytes > TOKENISED_BYTES_MAX) return fixedTokens + Math.ceil(bytes / 3);
  return fixedTokens + (await countTokens(parts));
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

const NO_TEXT = new Set(
  (
    "messages model user stream_options metadata litellm_metadata stop logit_bias " +
    "reasoning_effort service_tier safety_identifier prompt_cache_key"
  ).split(" "),
);

function isText(value: Json | undefined): value is Json {
  return typeof value === "string" || (typeof value === "object" && value !== null);
}

/** Every piece of the body that the provider puts before the model. */
function textOf(body: JsonObject): Text {
  const text: Text = { parts: [], fixedTokens: REQUEST_TOKENS };
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  for (const message of messages) if (isObject(message)) addMessage(text, message);
  for (const field in body) {
    const value = body[field];
    // Tools, schemas, predictions, documents: whatever is not known to be no text may reach the model.
    if (!NO_TEXT.has(field) && isText(value)) text.parts.push(JSON.stringify(value));
  }
  return text;
}

/** What is neither role nor content, such as a tool call, counts by the bytes of its JSON. */
function addMessage(text: Text, message: JsonObject): void {
  text.fixedTokens += MESSAGE_TOKENS;
  for (const field in message) {
    const value = message[field];
    if (field === "role" || value === null || value === undefined) continue;
    if (field !== "content") text.parts.push(field, JSON.stringify(value));
    else if (Array.isArray(value)) for (const piece of value) addPiece(text, piece);
    else addPiece(text, value);
  }
}

/** A kind of content that is not known counts by the bytes of its JSON. */
function addPiece(text: Text, piece: Json): void {
  if (typeof piece === "string") {
    text.parts.push(piece);
  } else if (isObject(piece) && piece["type"] === "image_url") {
    text.fixedTokens += IMAGE_TOKENS_MAX;
  } else if (isObject(piece) && piece["type"] === "file") {
    text.fixedTokens += FILE_TOKENS_MAX;
  } else if (isObject(piece) && piece["type"] === "text" && typeof piece["text"] === "string") {
    text.parts.push(piece["text"]);
  } else {
    text.parts.push(JSON.stringify(piece));
  }
}
