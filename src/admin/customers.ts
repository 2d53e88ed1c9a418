/** The routes of customers: LiteLLM's and what Purser adds to them, each also under `/end_user`. */

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { firstHeader } from "../http/auth.ts";
import type { Admin } from "./admin.ts";
import {
  Adjust,
  Bulk,
  Ids,
  Info,
  List,
  Named,
  New,
  Path,
  Reset,
  Usage,
  Whole,
} from "./customer-bodies.ts";
import { BULK_BYTES_MAX, putCustomers } from "./customer-bulk.ts";
import { allCustomers, customerPage } from "./customer-list.ts";
import { adjustCustomer, resetCustomer, type Correction } from "./customer-money.ts";
import { customerObject } from "./customer-object.ts";
import { customerUsage } from "./customer-usage.ts";
import {
  blockCustomers,
  createCustomer,
  deleteCustomers,
  noSuchCustomer,
  putCustomer,
  unblockCustomers,
  updateCustomer,
} from "./customer-write.ts";

const READ = { config: { access: "read" } } as const;
const WRITE = { config: { access: "write" } } as const;

export function customerRoutes(app: FastifyInstance, admin: Admin): void {
  for (const prefix of ["/customer", "/end_user"]) {
    // The document names each route once.
    const common = { tags: ["customers"], hide: prefix !== "/customer" };
    oneRoutes(app, admin, { prefix, common });
    manyRoutes(app, admin, { prefix, common });
    readRoutes(app, admin, { prefix, common });
    moneyRoutes(app, admin, { prefix, common });
  }
}

interface Place {
  readonly prefix: string;
  readonly common: { readonly tags: string[]; readonly hide: boolean };
}

function oneRoutes(app: FastifyInstance, admin: Admin, { prefix, common }: Place): void {
  app.post<{ Body: New }>(
    `${prefix}/new`,
    { ...WRITE, schema: { ...common, summary: "Create a customer", body: New } },
    ({ body, caller }) => createCustomer(body, caller, admin),
  );
  app.post<{ Body: Named }>(
    `${prefix}/update`,
    { ...WRITE, schema: { ...common, summary: "Change what the body names", body: Named } },
    ({ body }) => updateCustomer(body, admin),
  );
  app.put<{ Params: Path; Body: Whole }>(
    `${prefix}/:id`,
    { ...WRITE, schema: { ...common, summary: "Create or replace", params: Path, body: Whole } },
    ({ params, body }) => putCustomer(params.id, body, admin),
  );
}

function manyRoutes(app: FastifyInstance, admin: Admin, { prefix, common }: Place): void {
  app.post<{ Body: Bulk }>(
    `${prefix}/bulk`,
    {
      ...WRITE,
      bodyLimit: BULK_BYTES_MAX,
      schema: { ...common, summary: "Create or replace thousands", body: Bulk },
    },
    ({ body }) => putCustomers(body.customers, admin),
  );
  app.post<{ Body: Ids }>(
    `${prefix}/delete`,
    {
      ...WRITE,
      schema: { ...common, summary: "Delete customers, not what they spent", body: Ids },
    },
    ({ body }) => deleteCustomers(body.user_ids, admin),
  );
  app.post<{ Body: Ids }>(
    `${prefix}/block`,
    { ...WRITE, schema: { ...common, summary: "Block customers", body: Ids } },
    ({ body }) => blockCustomers(body.user_ids, admin),
  );
  app.post<{ Body: Ids }>(
    `${prefix}/unblock`,
    { ...WRITE, schema: { ...common, summary: "Unblock customers", body: Ids } },
    ({ body }) => unblockCustomers(body.user_ids, admin),
  );
}

function readRoutes(app: FastifyInstance, admin: Admin, { prefix, common }: Place): void {
  app.get<{ Querystring: Info }>(
    `${prefix}/info`,
    { ...READ, schema: { ...common, summary: "A customer", querystring: Info } },
    ({ query }) => customerInfo(query.end_user_id, admin),
  );
  app.get<{ Querystring: List }>(
    `${prefix}/list`,
    { ...READ, schema: { ...common, summary: "Customers, all or by page", querystring: List } },
    ({ query }, reply) =>
      Object.keys(query).length === 0 ? sendAll(reply, admin) : customerPage(query, admin),
  );
  app.get<{ Params: Path; Querystring: Usage }>(
    `${prefix}/:id/usage`,
    {
      ...READ,
      schema: { ...common, summary: "Limits and what is left", params: Path, querystring: Usage },
    },
    ({ params, query }) => customerUsage(params.id, query, admin),
  );
}

function moneyRoutes(app: FastifyInstance, admin: Admin, { prefix, common }: Place): void {
  app.post<{ Params: Path; Body: Adjust }>(
    `${prefix}/:id/adjust`,
    { ...WRITE, schema: { ...common, summary: "Charge or give back", params: Path, body: Adjust } },
    (request) => adjustCustomer(correctionIn(request), request.body.amount, admin),
  );
  app.post<{ Params: Path; Body: Reset }>(
    `${prefix}/:id/reset`,
    { ...WRITE, schema: { ...common, summary: "Begin windows anew", params: Path, body: Reset } },
    (request) => resetCustomer(correctionIn(request), admin),
  );
}

async function customerInfo(id: string, admin: Admin): Promise<unknown> {
  const customer = await admin.ledger.read.customer(id);
  if (customer === undefined) throw noSuchCustomer(id, "end_user_id");
  return customerObject(customer, admin);
}

function sendAll(reply: FastifyReply, admin: Admin): FastifyReply {
  return reply.type("application/json").send(Readable.from(allCustomers(admin)));
}

/** The header is the field's convention; the body is for clients that cannot set one. */
function correctionIn(request: FastifyRequest<{ Params: Path; Body: Reset }>): Correction {
  const { params, body, headers, caller } = request;
  const idempotencyKey = firstHeader(headers, "idempotency-key") ?? body.idempotency_key ?? null;
  return { customer: params.id, reason: body.reason, idempotencyKey, caller };
}
