/** Google's credentials, as its console hands them out: JSON, or the path of a file with it. */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import type { GoogleCredentials } from "./config.ts";
import { addMistake, type Scope } from "./scope.ts";

const TOKEN_URI = "https://oauth2.googleapis.com/token";
const CURE = "give the path of the JSON file that Google's console gave you, or its text";

/** Null after a mistake, none of which repeats what is secret. */
export function readGoogleCredentials(given: string, scope: Scope): GoogleCredentials | null {
  const text = given.trimStart().startsWith("{") ? given : readText(given, scope);
  if (text === null) return null;
  const json = parsed(text);
  if (json === null) return wrong("is not JSON", scope);
  if (json["type"] !== "service_account") return { kind: "other", json };
  const email = textIn(json["client_email"]);
  const key = keyIn(json["private_key"]);
  const tokenUri = textIn(json["token_uri"]) ?? TOKEN_URI;
  if (email === null) return wrong("has no client_email", scope);
  if (key === null) return wrong("has no private_key that can be read", scope);
  if (!URL.canParse(tokenUri)) return wrong("has a token_uri that is no address", scope);
  const keyId = textIn(json["private_key_id"]);
  const project = textIn(json["project_id"]);
  return { kind: "service_account", account: { email, key, keyId, project, tokenUri } };
}

function readText(path: string, scope: Scope): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return wrong("names a file that cannot be read", scope);
  }
}

function parsed(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function keyIn(value: Json | undefined): KeyObject | null {
  if (typeof value !== "string") return null;
  try {
    const key = createPrivateKey(value);
    return key.asymmetricKeyType === "rsa" ? key : null;
  } catch {
    return null;
  }
}

function textIn(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function wrong(problem: string, scope: Scope): null {
  addMistake(scope, problem, CURE);
  return null;
}
