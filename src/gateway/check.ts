/** Whether a customer's call would be admitted now, and at what cost. Nothing is held and nothing forwarded. */

import type { FastifyInstance } from "fastify";
import { Type, type Static } from "typebox";
import { unprocessable } from "../http/body.ts";
import { keyNamed, type Caller } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { guard } from "../http/gate.ts";
import { remaining, type Refusal, type Standing } from "../ledger/command.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import type { JsonObject } from "../platform/json.ts";
import type { Gateway } from "./gateway.ts";
import { isoTime } from "./headers.ts";
import { refuseJunk } from "./identify.ts";
import { OUTPUT_TOKENS_MAX } from "./dialects/fields.ts";
import { understand } from "./read.ts";
import { refusalError } from "./refusal.ts";
import { answerTo, type Asking } from "./reserve.ts";
import { route } from "./route.ts";
import { CHAT } from "./routes.ts";

const Params = Type.Object({ id: Type.String() });

/** The key, by its secret or its hash, that would make the call, with its limits and the budget of its customers. */
const Query = Type.Object({ key: Type.Optional(Type.String()) }, { additionalProperties: false });

/** The body of a call or, in place of its messages, how long they are. */
const Body = Type.Object({
  model: Type.String({ minLength: 1 }),
  messages: Type.Optional(Type.Array(Type.Object({}))),
  input_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: OUTPUT_TOKENS_MAX })),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: OUTPUT_TOKENS_MAX })),
});
type Body = Static<typeof Body> & JsonObject;

interface CheckRequest {
  readonly Params: Static<typeof Params>;
  readonly Querystring: Static<typeof Query>;
  readonly Body: Body;
}

export function checkRoutes(app: FastifyInstance, gateway: Gateway): void {
  guard(app, { keys: gateway.keyRing.fresh, clock: gateway.clock });
  const summary = "Whether a call of the customer would be admitted now";
  for (const prefix of ["/customer", "/end_user"]) {
    app.post<CheckRequest>(
      `${prefix}/:id/check`,
      {
        config: { access: "read" },
        schema: {
          summary,
          tags: ["customers"],
          hide: prefix === "/end_user",
          params: Params,
          querystring: Query,
          body: Body,
        },
      },
      async ({ id, params, query, body }) => {
        const caller = await callerOf(query.key, gateway);
        return check(askingOf({ id, customer: params.id, caller, body }, gateway), gateway);
      },
    );
  }
}

/** Without a key, the master key, which has no limits of its own. */
async function callerOf(name: string | undefined, { keyRing }: Gateway): Promise<Caller> {
  if (name === undefined) return { keyHash: keyRing.fresh.masterKeyHash, key: null };
  const key = await keyNamed(name, keyRing.fresh);
  if (key === undefined) throw new ApiError("not_found", "There is no such key.", { param: "key" });
  return { keyHash: key.hash, key };
}

interface Question {
  readonly id: string;
  readonly customer: string;
  readonly caller: Caller;
  readonly body: Body;
}

function askingOf({ id, customer, caller, body }: Question, gateway: Gateway): Asking {
  refuseJunk(customer, gateway.customers);
  const call = { id, route: CHAT, customer, query: "", passed: {}, ...chatFrom(body) };
  return { ...route(call, caller, gateway), inputTokens: body.input_tokens ?? null };
}

function chatFrom(body: Body) {
  const given = { body, form: null, uploads: [] };
  if (body.messages !== undefined) return understand(CHAT, given, undefined);
  if (body.input_tokens === undefined) throw unmeasured();
  const { model, max_tokens: outputTokensMax = null } = body;
  return { model, stream: false, wantsUsage: false, outputTokensMax, choices: 1, ...given };
}

function unmeasured(): ApiError {
  const msg = "Field required, unless there are messages";
  return unprocessable([{ loc: ["body", "input_tokens"], msg, type: "missing" }]);
}

async function check(asking: Asking, gateway: Gateway): Promise<unknown> {
  const { customer } = asking.call;
  if (customer !== null && gateway.customers.blocked.has(customer)) {
    return notAdmitted({ name: "customer_blocked", customer }, asking, gateway);
  }
  const answer = await answerTo(asking, gateway, (command) =>
    gateway.ledger.check({ kind: "check", ...command }),
  );
  const { outcome } = answer;
  if (outcome.kind === "refused") return notAdmitted(outcome.refusal, answer.asking, gateway);
  if (outcome.kind !== "admissible") throw new Error(`a check was answered as ${outcome.kind}`);
  return {
    admitted: true,
    reason: null,
    message: null,
    ...wayOf(answer.asking),
    ceiling: answer.quote.price === null ? null : jsonUsd(outcome.ceiling),
    output_tokens: outcome.outputTokens,
    ...standingFields(outcome.standing),
  };
}

/** What the call would be told. */
function notAdmitted(refused: Refusal, asking: Asking, gateway: Gateway): unknown {
  const { error, message } = refusalError(refused, asking.caller, gateway.budgets, asking.at);
  return {
    admitted: false,
    reason: error,
    message,
    ...wayOf(asking),
    ceiling: null,
    output_tokens: null,
    ...standingFields("standing" in refused ? refused.standing : null),
  };
}

/** Whom the call would be charged to, and which deployment would answer it. */
function wayOf({ call, deployment: { config } }: Asking): object {
  return {
    customer: call.customer,
    model: call.model,
    model_id: config.id,
    model_region: config.region,
  };
}

/** Of the limit that refuses, else of the money limit that has the least left. */
function standingFields(standing: Standing | null): object {
  if (standing === null) return { budget_id: null, meter: null, remaining: null, reset: null };
  const { budgetId, meter, windowEnd } = standing;
  const left = remaining(standing);
  return {
    budget_id: budgetId,
    meter,
    remaining: meter === "usd" ? jsonUsd(nanoUsd(left)) : Number(left),
    reset: windowEnd === null ? null : isoTime(windowEnd),
  };
}
