/** Which key a request carries. Keys are known by their hash everywhere but in the request. */

import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ApiError } from "./errors.ts";

/** OpenAI's, Anthropic's, Azure's and LiteLLM's ways to send a key, in the order they are looked at. */
const KEY_HEADERS = ["authorization", "x-api-key", "api-key", "x-litellm-api-key"] as const;

/** The hash of the key that the request carries, which must be the master key; else throws `authentication`. */
export function authenticate(headers: IncomingHttpHeaders, masterKeyHash: string): string {
  const key = keyOf(headers);
  if (key === undefined) throw unauthenticated("No API key. Send Authorization: Bearer <key>.");
  const keyHash = hashOf(key);
  // Hashes are compared, and in constant time, so that neither length nor content can be guessed byte by byte.
  if (!timingSafeEqual(Buffer.from(keyHash), Buffer.from(masterKeyHash))) {
    throw unauthenticated("Invalid API key.");
  }
  return keyHash;
}

/** The hex sha256 of a key. */
export function hashOf(key: string): string {
  return hash("sha256", key, "hex");
}

/** A header that is sent more than once is read once. */
export function firstHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const presented = KEY_HEADERS.map((name) => firstHeader(headers, name)).find((value) => value);
  return presented?.replace(/^Bearer\s+/i, "").trim();
}

function unauthenticated(message: string): ApiError {
  return new ApiError("authentication", `Authentication Error, ${message}`, { param: "None" });
}
