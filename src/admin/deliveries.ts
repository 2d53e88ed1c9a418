/** What became of events on their way out, and how to send them again. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { unprocessable } from "../http/body.ts";
import { ApiError } from "../http/errors.ts";
import type { Delivery } from "../ledger/outbox.ts";
import type { Admin } from "./admin.ts";
import { isoTime, noSuchEndpoint } from "./endpoints.ts";
import type { Replay } from "./webhooks.ts";

const LIST_MAX = 1_000;
const LIST_DEFAULT = 100;
const STRICT = { additionalProperties: false };

const Text = Type.Optional(Type.String());
const Listing = Type.Object(
  {
    endpoint: Text,
    state: Type.Optional(Type.Enum(["waiting", "delivered", "failed"])),
    customer: Text,
    event: Text,
    before: Type.Optional(Type.Integer({ minimum: 0 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX })),
  },
  STRICT,
);
const Again = Type.Object(
  {
    endpoint: Type.String(),
    event: Text,
    since: Text,
    until: Text,
    failed: Type.Optional(Type.Literal(true)),
  },
  STRICT,
);
const Service = Type.Object({ service: Type.Enum(["webhook", "slack"]) });

type Listing = Static<typeof Listing>;
type Again = Static<typeof Again>;
type Service = Static<typeof Service>;

const TAGS = ["events"];

export function deliveryRoutes(app: FastifyInstance, admin: Admin): void {
  const listing = {
    tags: TAGS,
    summary: "Deliveries with their last attempts",
    querystring: Listing,
  };
  app.get<{ Querystring: Listing }>(
    "/webhooks/deliveries",
    { config: { access: "read" }, schema: listing },
    ({ query }) => list(query, admin),
  );
  const replaying = {
    tags: TAGS,
    summary: "Send one event, a span or all that failed again",
    body: Again,
  };
  app.post<{ Body: Again }>(
    "/webhooks/replay",
    { config: { access: "write" }, schema: replaying },
    ({ body }) => replay(body, admin),
  );
  const testing = { tags: TAGS, summary: "Send LiteLLM's test event", querystring: Service };
  app.get<{ Querystring: Service }>(
    "/health/services",
    { config: { access: "write" }, schema: testing },
    ({ query }) => testService(query.service, admin),
  );
}

async function list(query: Listing, { webhooks }: Admin): Promise<unknown> {
  const { endpoint, state, customer, event, before, limit = LIST_DEFAULT } = query;
  const deliveries = await webhooks.deliveries({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(state === undefined ? {} : { state }),
    ...(customer === undefined ? {} : { customer }),
    ...(event === undefined ? {} : { eventId: event }),
    ...(before === undefined ? {} : { before: BigInt(before) }),
    limit,
  });
  return { deliveries: deliveries.map(shown) };
}

function shown(delivery: Delivery): object {
  const { endpoint, seq, eventId, type, customer, state, attempts, log, batch } = delivery;
  return {
    endpoint,
    seq: Number(seq),
    event: eventId,
    type,
    customer,
    state,
    batch,
    created_at: isoTime(delivery.createdAt),
    due_at: isoTime(delivery.dueAt),
    attempt_count: attempts,
    attempts: log.map(({ at, status, ms, error }) => {
      return { at: isoTime(at), status, latency_ms: ms, error };
    }),
  };
}

async function replay(body: Again, { webhooks }: Admin): Promise<unknown> {
  const replayed = await webhooks.replay(body.endpoint, replayOf(body));
  if (replayed === undefined) throw noSuchEndpoint(body.endpoint);
  return { endpoint: body.endpoint, replayed };
}

function replayOf({ event, since, until, failed }: Again): Replay {
  const isSpan = since !== undefined || until !== undefined;
  const ways = [event !== undefined, isSpan, failed === true].filter(Boolean);
  if (ways.length !== 1) throw fault("event", "Say one of event, since and until, or failed");
  if (event !== undefined) return { kind: "event", id: event };
  if (!isSpan) return { kind: "failed" };
  return { kind: "span", span: { since: instant("since", since), until: instant("until", until) } };
}

function instant(field: string, text: string | undefined): number {
  try {
    return Temporal.Instant.from(text ?? "").epochMilliseconds;
  } catch {
    throw fault(field, "Write a time as 2026-01-31T00:00:00Z");
  }
}

async function testService(service: string, { webhooks }: Admin): Promise<unknown> {
  const attempt = await webhooks.test(service);
  if (attempt === undefined) {
    const msg = `"${service}" is not in general_settings.alerting`;
    throw unprocessable([{ loc: ["query", "service"], msg, type: "value_error" }]);
  }
  if (attempt.kind === "failed") throw new ApiError("receiver_failed", attempt.reason);
  return { status: "success", message: `The ${service} took the test event.` };
}

function fault(field: string, msg: string): ApiError {
  return unprocessable([{ loc: ["body", field], msg, type: "value_error" }]);
}
