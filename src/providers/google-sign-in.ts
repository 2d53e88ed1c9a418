/** Google's sign-in: a service account's signed claim for a token; for others, what Google's own library does. */

import { APICallError } from "@ai-sdk/provider";
import type { AuthClient } from "google-auth-library";
import { decodeJwt, SignJWT } from "jose";
import type { DeploymentConfig, ServiceAccount } from "../config/config.ts";
import { isObject } from "../platform/json.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SIGN_IN_MS_MAX = 30_000;

interface Token {
  readonly access_token: string;
  /** Milliseconds. */
  readonly expiry_date: number;
}

/** One for each deployment: it keeps its token until that has almost run out. */
const CLIENTS = new WeakMap<DeploymentConfig, Promise<AuthClient>>();

/** Rejects with a refusal of the provider's, as for a wrong key. */
export async function googleClient(deployment: DeploymentConfig): Promise<AuthClient> {
  const client = CLIENTS.get(deployment) ?? newClient(deployment);
  CLIENTS.set(deployment, client);
  try {
    return await client;
  } catch (error) {
    // What could not be found may be there the next time.
    CLIENTS.delete(deployment);
    throw refused(401, error instanceof Error ? error.message : String(error));
  }
}

async function newClient({ cloud }: DeploymentConfig): Promise<AuthClient> {
  const { GoogleAuth, OAuth2Client } = await import("google-auth-library");
  const credentials = cloud?.credentials ?? null;
  if (credentials?.kind !== "service_account") {
    const given = credentials === null ? {} : { credentials: { ...credentials.json } };
    return new GoogleAuth({ scopes: SCOPE, ...given }).getClient();
  }
  const { account } = credentials;
  const client = new OAuth2Client();
  let underWay: Promise<Token> | null = null;
  // Calls that come while a token is asked for wait for the same one.
  client.refreshHandler = () => {
    underWay ??= tokenFor(account).finally(() => (underWay = null));
    return underWay;
  };
  return client;
}

async function tokenFor(account: ServiceAccount): Promise<Token> {
  const { email, key, keyId, tokenUri } = account;
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId === null ? {} : { kid: keyId }) })
    .setIssuer(email)
    .setAudience(tokenUri)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key);
  const body = new URLSearchParams({ grant_type: GRANT, assertion });
  const signal = AbortSignal.timeout(SIGN_IN_MS_MAX);
  const response = await fetch(tokenUri, { method: "POST", body, signal });
  const answer: unknown = await response.json().catch(() => null);
  const { access_token: token, expires_in: seconds, ...why } = isObject(answer) ? answer : {};
  if (!response.ok || typeof token !== "string") {
    const words = [why["error"], why["error_description"]].filter(
      (word) => typeof word === "string",
    );
    throw refused(response.status, words.join(": "));
  }
  const from = decodeJwt(assertion).iat ?? 0;
  const lifetime = typeof seconds === "number" ? seconds : 0;
  return { access_token: token, expiry_date: (from + lifetime) * 1000 };
}

/** Whatever is not Google's own failure is one of the credentials. */
function refused(status: number, words: string): APICallError {
  return new APICallError({
    message: `Google did not let Purser sign in. ${words}`.trimEnd(),
    url: "",
    requestBodyValues: {},
    statusCode: status >= 500 ? status : 401,
  });
}
