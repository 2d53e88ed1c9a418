/** What administrators do to keys. A secret is in the answer of the call that makes it, and nowhere after that. */

import { hashOf, keyNamed } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import type { Key } from "../ledger/book.ts";
import type { Rewrite, Unstamped } from "../ledger/command.ts";
import type { Admin } from "./admin.ts";
import { fault } from "./budget-period.ts";
import { budgetGoneWith, budgetOfKey, keyBudget } from "./key-budget.ts";
import { patchedKey, type ChangedKey, type KeyFields, type NewKey } from "./key-fields.ts";
import { keyObject, type BudgetedKey } from "./key-object.ts";
import { write, type Plan, type Stamp } from "./write.ts";

/** What a header can carry, without blanks. */
const SECRET = /^sk-[\x21-\x7e]{1,253}$/;

const HASH = /^[0-9a-f]{64}$/;

export async function generateKey({ key: given, ...fields }: NewKey, admin: Admin) {
  const secret = given ?? admin.newSecret();
  const hash = hashOf(secret);
  if (!SECRET.test(secret)) throw malformed(secret);
  if (hash === admin.keys.masterKeyHash) throw alreadyThere();
  const made = await write(admin, async (stamp) => {
    const { find, byHash } = admin.keys;
    if ((await find(hash)) ?? (await byHash(hash))) throw alreadyThere();
    return patchPlan(fields, { ...newKey(secret, stamp.at), revision: null }, stamp, admin);
  });
  return { key: secret, ...signing(made.key, admin), ...(await keyObject(made, admin)) };
}

export async function updateKey({ key: name, ...fields }: ChangedKey, admin: Admin) {
  const made = await write(admin, async (stamp) =>
    patchPlan(fields, await requireKey(name, admin), stamp, admin),
  );
  const secret = fields.customer_mode === undefined ? {} : signing(made.key, admin);
  return { key: name, ...secret, ...(await keyObject(made, admin)) };
}

/** Blocking what is blocked changes nothing. */
export async function blockKey(name: string, blocked: boolean, admin: Admin): Promise<object> {
  const made = await write(admin, async ({ at }) => {
    const current = await requireKey(name, admin);
    const budget = await budgetOfKey(current, admin);
    if (current.blocked === blocked) return { answer: { key: current, budget } };
    const key = { ...current, blocked, updatedAt: at };
    return { keys: [rewriteOf(current, key)], answer: { key, budget } };
  });
  return keyObject(made, admin);
}

/** The hash that its counters are named for stays, so a new secret is no new budget. */
export async function regenerateKey({ key: name, ...fields }: ChangedKey, admin: Admin) {
  const secret = admin.newSecret();
  const made = await write(admin, async (stamp) => {
    const current = await requireKey(name, admin);
    const renewed = { ...current, ...shownOf(secret), secretHash: hashOf(secret) };
    return patchPlan(fields, renewed, stamp, admin);
  });
  return { key: secret, ...signing(made.key, admin), ...(await keyObject(made, admin)) };
}

export interface KeysGone {
  readonly keys?: readonly string[];
  readonly key_aliases?: readonly string[];
}

/** All of them or none. What was charged to them stays, in their postings and in every report. */
export async function deleteKeys({ keys, key_aliases: aliases }: KeysGone, admin: Admin) {
  const names = keys ?? aliases;
  if (names === undefined || (keys !== undefined && aliases !== undefined)) {
    throw fault("keys", "Set either 'keys' or 'key_aliases'.");
  }
  const find = (name: string): Promise<Key | undefined> =>
    keys === undefined ? keyOfAlias(name, admin) : keyNamed(name, admin.keys);
  return write(admin, async () => {
    const found = await Promise.all(names.map(find));
    const missing = names.filter((_, index) => found[index] === undefined);
    if (missing.length > 0) throw noSuchKeys(missing);
    const gone = [...new Map(found.flatMap((key) => (key ? [[key.hash, key]] : []))).values()];
    const budgets = await Promise.all(gone.map((key) => budgetGoneWith(key, admin)));
    const rewrites = gone.map((key) => rewriteOf(key, null));
    return { keys: rewrites, budgets: budgets.flat(), answer: { deleted_keys: names } };
  });
}

export async function requireKey(name: string, { keys }: Admin): Promise<Key> {
  const key = await keyNamed(name, keys);
  if (key === undefined) throw noSuchKey();
  return key;
}

export function noSuchKey(): ApiError {
  return new ApiError("not_found", "Key not found in database", { param: "key" });
}

async function patchPlan(
  fields: KeyFields,
  current: Unstamped<Key> & { readonly revision: string | null },
  stamp: Stamp,
  admin: Admin,
): Promise<Plan<BudgetedKey>> {
  const patched = patchedKey(fields, current, stamp.at);
  const { id: budgetId, budget, rewrites } = await keyBudget(fields, current, stamp, admin);
  const key = { ...patched, budgetId };
  return { keys: [rewriteOf(current, key)], budgets: rewrites, answer: { key, budget } };
}

function rewriteOf(
  { hash, revision }: Pick<Key, "hash"> & { readonly revision: string | null },
  row: Unstamped<Key> | null,
): Rewrite<Key> {
  return { id: hash, revision, row };
}

function newKey(secret: string, at: number): Unstamped<Key> {
  const hash = hashOf(secret);
  const rights = { role: "inference", rule: { mode: "any" }, models: [] } as const;
  const empty = { alias: null, blocked: false, expiresAt: null, teamId: null, userId: null };
  const budgets = { budgetId: null, customerBudgetId: null, metadata: "{}" };
  const written = { createdAt: at, updatedAt: at };
  return {
    hash,
    secretHash: hash,
    ...shownOf(secret),
    ...rights,
    ...empty,
    ...budgets,
    ...written,
  };
}

/** Enough of a secret to recognise it by, and of a short one nothing. */
function shownOf(secret: string): Pick<Key, "name"> {
  return { name: `sk-...${secret.length > 12 ? secret.slice(-4) : ""}` };
}

function signing({ rule, secretHash }: Unstamped<Key>, { signingSecret }: Admin): object {
  return rule.mode === "signed" ? { signing_secret: signingSecret(secretHash) } : {};
}

async function keyOfAlias(alias: string, { ledger }: Admin): Promise<Key | undefined> {
  const everybody = { teamId: null, userId: null };
  const { keys } = await ledger.read.keys({ alias, ...everybody, offset: 0, limit: 1 });
  return keys[0];
}

function malformed(secret: string): ApiError {
  const message =
    `Invalid key format. A key must start with 'sk-' and hold 4 to 256 printable ASCII characters ` +
    `without blanks. Received: ${masked(secret)}`;
  return new ApiError("invalid_request", message, { param: "key" });
}

function alreadyThere(): ApiError {
  return new ApiError("conflict", "There is or was a key of this value.", { param: "key" });
}

function noSuchKeys(names: readonly string[]): ApiError {
  const some = names.slice(0, 10).map(masked).join(", ");
  return new ApiError("not_found", `Key(s)=${some} do not exist in db`, { param: "keys" });
}

/** A secret that was mistyped is still most of one. */
function masked(name: string): string {
  return HASH.test(name) || name.length <= 12 ? name : `${name.slice(0, 3)}...${name.slice(-4)}`;
}
