/** LiteLLM's key routes. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { roleOf, hashOf, type Caller } from "../http/auth.ts";
import { forbidden } from "../http/forbidden.ts";
import type { Key } from "../ledger/book.ts";
import type { Admin } from "./admin.ts";
import { budgetOfKey } from "./key-budget.ts";
import { ChangedKey, KeyFields, KeyName, Name, NewKey } from "./key-fields.ts";
import { keyObject, keyObjects } from "./key-object.ts";
import {
  blockKey,
  deleteKeys,
  generateKey,
  noSuchKey,
  regenerateKey,
  requireKey,
  updateKey,
} from "./key-writes.ts";

/** As many as one transaction can take in its stride. */
const DELETED_MAX = 1000;
const PAGE_SIZE = 10;
const PAGE_SIZE_MAX = 100;
const PAGES_MAX = 1_000_000;

const Named = Type.Object({ key: KeyName }, { additionalProperties: false });
type Named = Static<typeof Named>;

const Names = Type.Array(KeyName, { minItems: 1, maxItems: DELETED_MAX });
const Gone = Type.Object(
  {
    keys: Type.Optional(Names),
    key_aliases: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: DELETED_MAX })),
  },
  { additionalProperties: false },
);
type Gone = Static<typeof Gone>;

const Info = Type.Object({ key: Type.Optional(KeyName) }, { additionalProperties: false });
type Info = Static<typeof Info>;

const List = Type.Object(
  {
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGES_MAX })),
    size: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX })),
    return_full_object: Type.Optional(Type.Boolean()),
    key_alias: Type.Optional(Name),
    team_id: Type.Optional(Name),
    user_id: Type.Optional(Name),
  },
  { additionalProperties: false },
);
type List = Static<typeof List>;

const tags = ["keys"];

export function keyRoutes(app: FastifyInstance, admin: Admin): void {
  readRoutes(app, admin);
  app.post<{ Body: NewKey }>(
    "/key/generate",
    { config: { access: "write" }, schema: { summary: "Make a key", tags, body: NewKey } },
    ({ body }) => generateKey(body, admin),
  );
  app.post<{ Body: ChangedKey }>(
    "/key/update",
    { config: { access: "write" }, schema: { summary: "Change a key", tags, body: ChangedKey } },
    ({ body }) => updateKey(body, admin),
  );
  app.post<{ Body: Gone }>(
    "/key/delete",
    { config: { access: "write" }, schema: { summary: "Delete keys", tags, body: Gone } },
    ({ body }) => deleteKeys(body, admin),
  );
  blockRoutes(app, admin);
  regenerateRoutes(app, admin);
}

function readRoutes(app: FastifyInstance, admin: Admin): void {
  app.get<{ Querystring: Info }>(
    "/key/info",
    { config: { access: "own" }, schema: { summary: "A key", tags, querystring: Info } },
    ({ query, caller }) => keyInfo(query.key, caller, admin),
  );
  app.get<{ Querystring: List }>(
    "/key/list",
    { config: { access: "read" }, schema: { summary: "Keys", tags, querystring: List } },
    ({ query }) => keyList(query, admin),
  );
}

function blockRoutes(app: FastifyInstance, admin: Admin): void {
  for (const [path, blocked, summary] of [
    ["/key/block", true, "Block a key"],
    ["/key/unblock", false, "Unblock a key"],
  ] as const) {
    app.post<{ Body: Named }>(
      path,
      { config: { access: "write" }, schema: { summary, tags, body: Named } },
      ({ body }) => blockKey(body.key, blocked, admin),
    );
  }
}

/** A new secret, and whatever else the body sets, which may be nothing. */
function regenerateRoutes(app: FastifyInstance, admin: Admin): void {
  const summary = "Give a key a new secret";
  app.post<{ Body: ChangedKey }>(
    "/key/regenerate",
    { config: { access: "write" }, schema: { summary, tags, body: ChangedKey } },
    ({ body }) => regenerateKey(body, admin),
  );
  const body = Type.Union([KeyFields, Type.Null()]);
  app.post<{ Params: Named; Body: KeyFields | null }>(
    "/key/:key/regenerate",
    { config: { access: "write" }, schema: { summary, tags, params: Named, body } },
    ({ params, body: fields }) => regenerateKey({ ...fields, ...params }, admin),
  );
}

/** A key may ask about itself alone. Whether another one exists it does not learn. */
async function keyInfo(name: string | undefined, caller: Caller, admin: Admin): Promise<object> {
  const { key: own } = caller;
  const isOther = name !== undefined && (own === null || !isNamed(own, name));
  if (isOther && roleOf(caller) === "inference") throw forbidden("/key/info", caller);
  const key = isOther ? await requireKey(name, admin) : own;
  if (key === null) throw noSuchKey();
  const budget = await budgetOfKey(key, admin);
  return { key: name ?? key.hash, info: await keyObject({ key, budget }, admin) };
}

function isNamed({ hash, secretHash }: Key, name: string): boolean {
  return [hash, secretHash].includes(name) || hashOf(name) === secretHash;
}

async function keyList(query: List, admin: Admin): Promise<object> {
  const { page = 1, size = PAGE_SIZE, key_alias = null, team_id = null, user_id = null } = query;
  const { keys, total } = await admin.ledger.read.keys({
    alias: key_alias,
    teamId: team_id,
    userId: user_id,
    offset: (page - 1) * size,
    limit: size,
  });
  return {
    keys: query.return_full_object ? await fullObjects(keys, admin) : keys.map(({ hash }) => hash),
    total_count: total,
    current_page: page,
    total_pages: Math.ceil(total / size),
  };
}

async function fullObjects(keys: readonly Key[], admin: Admin): Promise<readonly object[]> {
  const budgets = await Promise.all(keys.map((key) => budgetOfKey(key, admin)));
  const shown = keys.map((key, index) => ({ key, budget: budgets[index] ?? null }));
  return keyObjects(shown, admin);
}
