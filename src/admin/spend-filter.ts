/** Whose spend is asked for: a key by its secret or its hash, an internal user by the keys that are his. */

import { hashOf } from "../http/auth.ts";
import type { KeyOwner } from "../ledger/spend.ts";
import type { Admin } from "./admin.ts";

/** What postings know the key by. A secret that is no key's stands for a key without any. */
export async function hashFrom(apiKey: string, { keys }: Admin): Promise<string> {
  if (!apiKey.startsWith("sk-")) return apiKey;
  const hash = hashOf(apiKey);
  return (await keys.find(hash))?.hash ?? hash;
}

/** Undefined where neither is named: then every key is meant. */
export async function keysFrom(
  apiKey: string | undefined,
  userId: string | undefined,
  admin: Admin,
): Promise<readonly string[] | undefined> {
  const named = apiKey === undefined ? undefined : [await hashFrom(apiKey, admin)];
  if (userId === undefined) return named;
  const owned = await admin.ledger.read.spend.keysOfUser(userId);
  return named === undefined ? owned : owned.filter((hash) => named.includes(hash));
}

export async function ownersOf(
  hashes: Iterable<string>,
  { ledger }: Admin,
): Promise<ReadonlyMap<string, KeyOwner>> {
  const owners = await ledger.read.spend.keyOwners([...new Set(hashes)]);
  return new Map(owners.map((owner) => [owner.hash, owner]));
}
