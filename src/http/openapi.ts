/** The OpenAPI document, from the schemas that validate, and a page to read it. */

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifySchema, RouteOptions } from "fastify";
import { ERRORS } from "./errors.ts";

/**
 * Served and not described: the page and the document themselves, and further names of what is described. Routes can
 * also say so of themselves.
 */
export const HIDDEN = [
  /^\/docs(?:\/|$)/,
  /^\/openapi\.json$/,
  /^\/end_user\//,
  /^\/health\/liveness$/,
  /^\/spend\/logs\/ui$/,
] as const;

const TAGS = [
  { name: "inference", description: "Calls of models. The provider checks their bodies." },
  { name: "customers", description: "Who is charged." },
  { name: "budgets", description: "What may be spent, and when that begins anew." },
  { name: "keys", description: "Who may call." },
  { name: "spend", description: "What was spent: sums and lines of one ledger." },
  { name: "prices", description: "What calls cost, and why." },
  { name: "events", description: "What happens: who is told of it, and how that went." },
  { name: "health", description: "Of this process; without a key." },
];

/** What Purser itself answers on each kind of route; a failure without a name is a 500 of any of them. */
const STATUSES = {
  call: [400, 401, 403, 404, 413, 429, 502, 503, 504],
  read: [400, 401, 404, 422, 503],
  write: [400, 401, 404, 409, 422, 503],
  open: [],
} as const satisfies Readonly<Record<string, readonly number[]>>;

type Kind = keyof typeof STATUSES;

/** Both envelopes of errors, and the list of faulty fields, as other schemas refer to them. */
const ERROR_SCHEMAS = [
  {
    $id: "Error",
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["message", "type", "param", "code"],
        properties: {
          message: { type: "string" },
          type: { type: "string", description: "What to match on." },
          param: { type: ["string", "null"] },
          code: { type: "string", description: "The HTTP status." },
        },
      },
    },
  },
  {
    $id: "Detail",
    description: "LiteLLM's other envelope.",
    type: "object",
    required: ["detail"],
    properties: {
      detail: {
        type: "object",
        required: ["error"],
        properties: { error: { type: "string" } },
      },
    },
  },
  {
    $id: "Faults",
    description: "Every faulty field, in FastAPI's form.",
    type: "object",
    required: ["detail"],
    properties: {
      detail: {
        type: "array",
        items: {
          type: "object",
          required: ["loc", "msg", "type"],
          properties: {
            loc: { type: "array", items: { type: ["string", "integer"] } },
            msg: { type: "string" },
            type: { type: "string" },
          },
        },
      },
    },
  },
];

/** Before any route is added: what was added earlier would not be in it. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  for (const schema of ERROR_SCHEMAS) app.addSchema(schema);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Purser",
        description:
          "An LLM gateway that keeps every customer's account: OpenAI's API for calls, LiteLLM's for customers, " +
          "budgets and keys. Money is in US dollars, exact to the nano-dollar.",
        version: "1",
      },
      servers: [{ url: "/" }],
      tags: TAGS,
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
      security: [{ key: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => nameOf(json, index) },
    transform: ({ schema, url, route }) => ({ schema: described(schema, route), url }),
  });
  await app.register(swaggerUi, { routePrefix: "/docs", theme: { title: "Purser" } });
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
}

function nameOf({ $id }: { readonly $id?: unknown }, index: number): string {
  return typeof $id === "string" ? $id : `schema-${String(index)}`;
}

/** With every error that the route can answer beside what it answers else. */
function described(schema: FastifySchema | undefined, route: RouteOptions): FastifySchema {
  const isHidden = HIDDEN.some((pattern) => pattern.test(route.url));
  const kind = kindOf(schema, route);
  const errors = STATUSES[kind].map((status) => [status, errorResponse(status, kind)]);
  const content = { "application/json": { schema: {} } };
  const answer = { 200: { description: "As asked for, in JSON.", content } };
  const given = schema?.response as Readonly<Record<string, unknown>> | undefined;
  const response = { ...Object.fromEntries(errors), ...(given ?? answer) };
  const hide = isHidden || schema?.hide === true;
  return { operationId: operationId(route), ...schema, hide, response };
}

/** `get /customer/:id/usage` → `get_customer_id_usage`. */
function operationId({ method, url }: RouteOptions): string {
  const words = url.match(/[a-z\d]+/gi) ?? [];
  return [String(method).toLowerCase(), ...words].join("_");
}

function kindOf(schema: FastifySchema | undefined, { method, config }: RouteOptions): Kind {
  if (schema?.tags?.includes("inference") === true) return "call";
  if (config?.access === undefined) return "open";
  return method === "GET" ? "read" : "write";
}

function errorResponse(status: number, kind: Kind): unknown {
  const named = Object.values(ERRORS).filter((error) => error.status === status);
  const description = named.map(({ type, about }) => `\`${type}\`: ${about}`).join("\n\n");
  return { description, content: { "application/json": { schema: schemaOf(status, kind) } } };
}

function schemaOf(status: number, kind: Kind): unknown {
  if (kind === "call") return { $ref: "Error#" };
  const envelopes = status === 422 ? ["Error", "Faults"] : ["Error", "Detail"];
  return { anyOf: envelopes.map((name) => ({ $ref: `${name}#` })) };
}
