/** The endpoints that are told of events: made, shown, changed, tested and taken away. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { parseWebhookSecret } from "../config/settings.ts";
import { unprocessable } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import { EVENT_KINDS, type EventType } from "../ledger/event.ts";
import type { Endpoint } from "../ledger/outbox.ts";
import type { Admin } from "./admin.ts";
import type { Attempt, Wish } from "./webhooks.ts";

/** Each costs every instance a loop and its connections. */
const ENDPOINTS_MAX = 100;

const DAY_SECONDS = 86_400;

const EventName = Type.Enum(Object.keys(EVENT_KINDS) as EventType[]);
const Customers = Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1_000 });
const Url = Type.String({ minLength: 1, maxLength: 2_000 });
const Secret = Type.Optional(Type.String());
const STRICT = { additionalProperties: false };

const WISH = {
  description: Type.Optional(Type.String({ maxLength: 500 })),
  types: Type.Optional(Type.Union([Type.Array(EventName, { minItems: 1 }), Type.Null()])),
  customers: Type.Optional(Type.Union([Customers, Type.Null()])),
  batch: Type.Optional(Type.Boolean()),
};
const New = Type.Object({ url: Url, secret: Secret, ...WISH }, STRICT);
const Change = Type.Object(
  { url: Type.Optional(Url), disabled: Type.Optional(Type.Boolean()), ...WISH },
  STRICT,
);
const Overlap = Type.Optional(Type.Integer({ minimum: 0, maximum: 30 * DAY_SECONDS }));
const Rotation = Type.Object({ secret: Secret, overlap_seconds: Overlap }, STRICT);
const Id = Type.Object({ id: Type.String() });

type New = Static<typeof New>;
type Change = Static<typeof Change>;
type Rotation = Static<typeof Rotation>;
type Id = Static<typeof Id>;

const READ = { access: "read" } as const;
const WRITE = { access: "write" } as const;

const TAGS = ["events"];

export function endpointRoutes(app: FastifyInstance, admin: Admin): void {
  const path = "/webhooks/endpoints";
  const listing = { tags: TAGS, summary: "Who is told of events" };
  app.get(path, { config: READ, schema: listing }, () => list(admin));
  const adding = {
    tags: TAGS,
    summary: "Tell an address of events; answers its secret, once",
    body: New,
  };
  app.post<{ Body: New }>(path, { config: WRITE, schema: adding }, ({ body }) => add(body, admin));
  const finding = { tags: TAGS, summary: "One endpoint", params: Id };
  app.get<{ Params: Id }>(`${path}/:id`, { config: READ, schema: finding }, ({ params }) =>
    find(params.id, admin),
  );
  const changing = {
    tags: TAGS,
    summary: "Change, disable or enable an endpoint",
    params: Id,
    body: Change,
  };
  app.patch<{ Params: Id; Body: Change }>(
    `${path}/:id`,
    { config: WRITE, schema: changing },
    ({ params, body }) => change(params.id, body, admin),
  );
  const removing = { tags: TAGS, summary: "Tell an address no more", params: Id };
  app.delete<{ Params: Id }>(`${path}/:id`, { config: WRITE, schema: removing }, ({ params }) =>
    remove(params.id, admin),
  );
  const rotating = { tags: TAGS, summary: "Replace a secret; both sign for a while", params: Id };
  app.post<{ Params: Id; Body: Rotation }>(
    `${path}/:id/rotate`,
    { config: WRITE, schema: { ...rotating, body: Rotation } },
    ({ params, body }) => rotate(params.id, body, admin),
  );
  const testing = { tags: TAGS, summary: "Send a test event, once and at once", params: Id };
  app.post<{ Params: Id }>(`${path}/:id/test`, { config: WRITE, schema: testing }, ({ params }) =>
    test(params.id, admin),
  );
}

async function list({ webhooks }: Admin): Promise<unknown> {
  return { endpoints: (await webhooks.list()).map(shown) };
}

async function find(id: string, { webhooks }: Admin): Promise<unknown> {
  const endpoint = await webhooks.find(id);
  if (endpoint === undefined) throw noSuchEndpoint(id);
  return shown(endpoint);
}

async function add({ url, secret, ...wish }: New, admin: Admin): Promise<unknown> {
  requireUrl(url, admin);
  requireSecret(secret);
  const { description = "", types = null, customers = null, batch = false } = wish;
  if ((await admin.webhooks.list()).length >= ENDPOINTS_MAX) {
    const message = `There are ${String(ENDPOINTS_MAX)} endpoints, and no more are allowed.`;
    throw new ApiError("conflict", message);
  }
  const endpoint = { url, description, types, customers, batch };
  const made = await admin.webhooks.add(endpoint, secret ?? null);
  return { ...((await find(made.id, admin)) as object), secret: made.secret };
}

async function change(id: string, { disabled, ...wish }: Change, admin: Admin): Promise<unknown> {
  if (wish.url !== undefined) requireUrl(wish.url, admin);
  const state = disabled === undefined ? {} : { isDisabled: disabled };
  const isChanged = await admin.webhooks.change(id, { ...(wish as Partial<Wish>), ...state });
  if (!isChanged) throw noSuchEndpoint(id);
  return find(id, admin);
}

async function remove(id: string, { webhooks }: Admin): Promise<unknown> {
  if (!(await webhooks.remove(id))) throw noSuchEndpoint(id);
  return { id, deleted: true };
}

async function rotate(id: string, { secret, ...rest }: Rotation, admin: Admin): Promise<unknown> {
  requireSecret(secret);
  const { overlap_seconds: overlap = DAY_SECONDS } = rest;
  const fresh = await admin.webhooks.rotate(id, overlap * 1_000, secret ?? null);
  if (fresh === undefined) throw noSuchEndpoint(id);
  return { id, secret: fresh };
}

async function test(id: string, { webhooks }: Admin): Promise<unknown> {
  const attempt = await webhooks.test(id);
  if (attempt === undefined) throw noSuchEndpoint(id);
  return { id, ...shownAttempt(attempt) };
}

function shownAttempt(attempt: Attempt): object {
  const error = attempt.kind === "failed" ? attempt.reason : null;
  return { delivered: attempt.kind === "delivered", status: attempt.status, error };
}

/** Without the secrets, sealed as they are. */
function shown(endpoint: Endpoint): object {
  const { id, url, description, types, customers, batch, disabledAt } = endpoint;
  return {
    id,
    url,
    description,
    types,
    customers,
    batch,
    created_at: isoTime(endpoint.createdAt),
    disabled: disabledAt !== null,
    disabled_at: isoTime(disabledAt),
    disabled_because: endpoint.disabledBecause,
    failing_since: isoTime(endpoint.failingSince),
  };
}

export function isoTime(at: number | null): string | null {
  return at === null ? null : Temporal.Instant.fromEpochMilliseconds(at).toString();
}

export function noSuchEndpoint(id: string): ApiError {
  return new ApiError("not_found", `There is no endpoint ${id}.`, { param: "id" });
}

function requireUrl(url: string, { webhooks }: Admin): void {
  const fault = webhooks.urlFault(url);
  if (fault === null) return;
  throw unprocessable([{ loc: ["body", "url"], msg: `The url ${fault}`, type: "value_error" }]);
}

/** Standard Webhooks' bounds. The value is never repeated. */
function requireSecret(secret: string | undefined): void {
  if (secret === undefined) return;
  const parsed = parseWebhookSecret(secret);
  if (parsed.ok) return;
  const msg = `The secret ${parsed.problem}`;
  throw unprocessable([{ loc: ["body", "secret"], msg, type: "value_error" }]);
}
