/** Tokens by which an application vouches for its customers: short-lived JWTs, signed with the key's own secret. */

import type { IncomingHttpHeaders } from "node:http";
import { errors, jwtVerify, type JWTPayload } from "jose";
import { firstHeader } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";

const TOKEN_HEADER = "x-purser-customer-token";

/** A token cannot be called back, so whoever steals one has it for an hour at most. */
const TOKEN_SECONDS_MAX = 3600;

/** Throws `authentication` unless the call brings a good token. */
export async function customerOfToken(
  headers: IncomingHttpHeaders,
  secret: string,
  now: number,
): Promise<string> {
  const token = firstHeader(headers, TOKEN_HEADER);
  if (token === undefined) {
    throw unauthenticated(`This key needs a customer token. Send ${TOKEN_HEADER}: <JWT>.`);
  }
  const { sub, exp = Infinity } = await claimsOf(token, secret, now);
  if (exp - now / 1000 > TOKEN_SECONDS_MAX) {
    throw unauthenticated("The customer token is good for more than an hour. Set exp earlier.");
  }
  // Its type says text, but nobody has looked.
  if (typeof sub !== "string" || sub === "") {
    throw unauthenticated("The customer token names nobody: sub must be a text.");
  }
  return sub;
}

/** Of the one algorithm, whatever the token says: a token must not choose how it is checked. */
async function claimsOf(token: string, secret: string, now: number): Promise<JWTPayload> {
  try {
    const verified = await jwtVerify(token, Buffer.from(secret), {
      algorithms: ["HS256"],
      requiredClaims: ["sub", "exp"],
      currentDate: new Date(now),
    });
    return verified.payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw unauthenticated(
      error instanceof errors.JWTExpired
        ? "The customer token has expired."
        : "The customer token is not valid: it must be a JWT, HS256, with sub and exp.",
    );
  }
}

function unauthenticated(message: string): ApiError {
  return new ApiError("authentication", `Authentication Error, ${message}`, { param: "None" });
}
