/** Google's sign-in over a real socket: tokens for claims that a service account has really signed, for an hour. */

import { generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { json, startUpstream, type Script, type Upstream } from "./upstream.ts";

const EMAIL = "purser@project-1.iam.gserviceaccount.com";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

export interface GoogleSignIn extends Upstream {
  /** As Google's console hands it out. */
  readonly account: Readonly<Record<string, string>>;
  readonly tokenUri: string;
  /** Seconds for which tokens are good. */
  lifetime: number;
}

export async function startGoogleSignIn(): Promise<GoogleSignIn> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const upstream = await startUpstream();
  const tokenUri = `${upstream.origin}/token`;
  const answer: Script = async ({ bytes }, response) => {
    const form = new URLSearchParams(bytes.toString("utf8"));
    try {
      const claim = { issuer: EMAIL, audience: tokenUri, requiredClaims: ["iat", "exp"] };
      const { payload } = await jwtVerify(form.get("assertion") ?? "", publicKey, claim);
      if (payload["scope"] !== SCOPE || form.get("grant_type") !== GRANT) throw new Error("scope");
    } catch {
      return json(response, 400, {
        error: "invalid_grant",
        error_description: "Invalid JWT Signature.",
      });
    }
    const token = `token-${String(signIn.received.length)}`;
    json(response, 200, { access_token: token, expires_in: signIn.lifetime, token_type: "Bearer" });
  };
  upstream.answer = answer;
  const account = {
    type: "service_account",
    project_id: "project-1",
    private_key_id: "key-1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: EMAIL,
    token_uri: tokenUri,
  };
  const signIn: GoogleSignIn = Object.assign(upstream, { account, tokenUri, lifetime: 3600 });
  return signIn;
}
