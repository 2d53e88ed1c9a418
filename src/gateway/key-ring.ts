/** Keys as they were when they were last read. Calls go by it; nobody is refused because of it alone. */

import type { Keys } from "../http/auth.ts";
import type { Key } from "../ledger/book.ts";

/** Some 5 MB. A key that is not among them costs a read. */
const KEYS_MAX = 10_000;

export class KeyRing {
  readonly #read: Keys["find"];
  /** By the hash of the secret. */
  readonly #kept = new Map<string, Key>();
  /** Costs no read where the key has been seen before; T1 says `stale_key` if it has changed since. */
  readonly remembered: Keys;
  readonly fresh: Keys;

  constructor({ masterKeyHash, find, byHash }: Keys) {
    this.#read = find;
    this.fresh = { masterKeyHash, byHash, find: (secretHash) => this.#readAnew(secretHash) };
    this.remembered = {
      masterKeyHash,
      byHash,
      find: async (secretHash) => this.#kept.get(secretHash) ?? (await this.#readAnew(secretHash)),
    };
  }

  /** A key that does not exist is not remembered: it may come to be at any moment. */
  async #readAnew(secretHash: string): Promise<Key | undefined> {
    const key = await this.#read(secretHash);
    this.#kept.delete(secretHash);
    if (key !== undefined) this.#keep(key);
    return key;
  }

  #keep(key: Key): void {
    if (this.#kept.size >= KEYS_MAX) {
      const [oldest = key.secretHash] = this.#kept.keys();
      this.#kept.delete(oldest);
    }
    this.#kept.set(key.secretHash, key);
  }
}
