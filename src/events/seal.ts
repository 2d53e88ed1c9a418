/** Secrets as they are kept in the database: of no use to whoever has only that. */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
/** What GCM is made for; drawn anew for each text, and twice the same one is out of reach. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealer {
  /** `about` names what the text belongs to, so that it opens nowhere else. */
  seal(text: string, about: string): string;
  /** Null if it was sealed under another master key, for something else, or was tampered with. */
  open(sealed: string, about: string): string | null;
}

export function createSealer(masterKey: string): Sealer {
  const key = Buffer.from(hkdfSync("sha256", masterKey, "", "purser endpoint secrets", KEY_BYTES));
  return {
    seal(text, about) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(about));
      const content = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString("base64");
    },
    open(sealed, about) {
      const bytes = Buffer.from(sealed, "base64");
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      try {
        const opener = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(about))
          .setAuthTag(tag);
        const content = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([opener.update(content), opener.final()]).toString("utf8");
      } catch {
        return null;
      }
    },
  };
}
