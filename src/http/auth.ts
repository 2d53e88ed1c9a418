/** Which key a request carries and what it may do. Keys are known by their hash everywhere but in the request. */

import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Key, KeyRole } from "../ledger/book.ts";
import { ApiError } from "./errors.ts";

/** OpenAI's, Anthropic's, Azure's, Google's and LiteLLM's ways to send a key, in the order they are looked at. */
const KEY_HEADERS = [
  "authorization",
  "x-api-key",
  "api-key",
  "ocp-apim-subscription-key",
  "x-goog-api-key",
  "x-litellm-api-key",
] as const;

/** `admin` is whoever has the master key. */
export type Role = "admin" | KeyRole;

/** Who calls: the credential, not the customer that the call names. */
export interface Caller {
  /** Of the key for good: its `hash`, whatever its secret is by now. */
  readonly keyHash: string;
  /** Null for the master key, which has no row. */
  readonly key: Key | null;
}

export interface Keys {
  readonly masterKeyHash: string;
  /** The key whose secret has this hash, if there is one. */
  readonly find: (secretHash: string) => Promise<Key | undefined>;
  /** The key that this hash names for good. */
  readonly byHash: (hash: string) => Promise<Key | undefined>;
}

/** Throws `authentication` where there is no such key. Whether the key is still good is for `requireGood`. */
export async function authenticate(headers: IncomingHttpHeaders, keys: Keys): Promise<Caller> {
  const secret = secretOf(headers);
  if (secret === undefined) throw unauthenticated("No API key. Send Authorization: Bearer <key>.");
  const secretHash = hashOf(secret);
  // Hashes are compared, and in constant time, so that neither length nor content can be guessed byte by byte. Looking
  // a hash up in the database gives nothing away either: nobody can choose how the hash of a guess begins.
  if (timingSafeEqual(Buffer.from(secretHash), Buffer.from(keys.masterKeyHash))) {
    return { keyHash: secretHash, key: null };
  }
  const key = await keys.find(secretHash);
  if (key === undefined) throw unauthenticated("Invalid API key.");
  return { keyHash: key.hash, key };
}

/** Throws `authentication` for a key that is blocked or has expired. */
export function requireGood({ key }: Caller, now: number): void {
  if (key === null) return;
  if (key.blocked) throw keyBlocked();
  if (key.expiresAt !== null && key.expiresAt <= now) throw keyExpired();
}

/** Throws `authentication` for a key that reads: a call spends. */
export function requireCalls(caller: Caller, route: string): void {
  if (roleOf(caller) !== "viewer") return;
  throw unauthenticated(
    `Virtual key is not allowed to call this route: a viewer only reads. Tried to call route: ${route}`,
  );
}

export function keyBlocked(): ApiError {
  return unauthenticated("Key is blocked. Update via `/key/unblock` if you're an admin.");
}

export function keyExpired(): ApiError {
  return unauthenticated("Expired Key. Ask for a new one.");
}

export function roleOf({ key }: Caller): Role {
  return key === null ? "admin" : key.role;
}

const HASH = /^[0-9a-f]{64}$/;

/** By its secret, or by the hash of its first secret or of its present one. */
export async function keyNamed(name: string, { find, byHash }: Keys): Promise<Key | undefined> {
  if (!HASH.test(name)) return find(hashOf(name));
  return (await byHash(name)) ?? find(name);
}

/** The hex sha256 of a key. */
export function hashOf(key: string): string {
  return hash("sha256", key, "hex");
}

/**
 * What an application signs the tokens of its customers with, for a key in the mode `signed`. It is derived from the
 * hash of the key's present secret and stored nowhere: a new master key, or a new secret of the key, makes another.
 */
export function signingSecretOf(masterKey: string, secretHash: string): string {
  return createHmac("sha256", masterKey)
    .update(`purser customer token ${secretHash}`)
    .digest("base64url");
}

/** A header that is sent more than once is read once. */
export function firstHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function secretOf(headers: IncomingHttpHeaders): string | undefined {
  const presented = KEY_HEADERS.map((name) => firstHeader(headers, name)).find((value) => value);
  return presented?.replace(/^Bearer\s+/i, "").trim();
}

function unauthenticated(message: string): ApiError {
  return new ApiError("authentication", `Authentication Error, ${message}`, { param: "None" });
}
