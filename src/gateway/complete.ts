/** The way of a call: identified, read, routed, reserved, forwarded, settled, and only then finished. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { authenticate, requireCalls, requireGood, type Caller } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import type { Held, Release, Settle } from "../ledger/command.ts";
import { ZERO_USD, type NanoUsd } from "../money/amount.ts";
import type { BookPrice } from "../money/pricing.ts";
import { firstAttempt, tryUntilAnswered, type Tried } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { Client } from "./client.ts";
import { customerFor } from "./customer-rule.ts";
import { dataEvent } from "./dialects/events.ts";
import { finish, type Finished } from "./finish.ts";
import type { Gateway } from "./gateway.ts";
import { costHeaders, leftOf, sentOn } from "./headers.ts";
import { once, type Made } from "./once.ts";
import { passFree } from "./pass.ts";
import { readBody, readBytes, understand } from "./read.ts";
import type { Reserved } from "./reserve.ts";
import { deploymentsFor, route } from "./route.ts";
import type { Route } from "./routes.ts";
import { callHeaders } from "./sending.ts";
import { answeredBy, ending } from "./settle.ts";

/** A request on one of the inference routes. */
export interface CallRequest {
  readonly id: string;
  readonly raw: IncomingMessage;
  readonly route: Route;
  /** Where the path names the model, as Azure's and Google's do. */
  readonly pathModel: string | undefined;
  readonly query: string;
}

/** Throws an `ApiError` for every lawful no. Once the hold is taken it ends here, whatever happens. */
export async function complete(
  request: CallRequest,
  client: ServerResponse,
  gateway: Gateway,
): Promise<void> {
  const { headers } = request.raw;
  const caller = await authenticate(headers, gateway.keyRing.remembered);
  const read = await readCall(request, gateway);
  const pool = deploymentsFor(read, read.model, gateway);
  if (read.route.meter === "free") return free(request, read, client, gateway);
  const customerOf = (known: Caller) => {
    requireCalls(known, read.route.name);
    return customerFor({ headers, body: read.body }, known, gateway);
  };
  const named = {
    headers,
    caller,
    call: read,
    customer: () => byFreshKey(request, caller, gateway, customerOf),
    mayCall: () => goodCaller(request, gateway),
  };
  await once(named, client, gateway, async (near) => {
    const reserved = await byFreshKey(request, caller, gateway, async (known) => {
      const customer = await customerOf(known);
      return firstAttempt({ ...read, customer }, known, pool, gateway);
    });
    return made(await answered(reserved, near, gateway), near);
  });
}

function made({ refusal, ...finished }: Last, client: Client): Made {
  const { charge } = finished;
  return {
    isCharged: charge !== null && charge > 0n,
    finish: () => {
      if (refusal !== null) throw refusal;
      finish(client, finished);
    },
  };
}

/** For whom the call is, only its key can say. */
async function readCall(request: CallRequest, gateway: Gateway): Promise<Omit<Call, "customer">> {
  const { id, raw, route, pathModel, query } = request;
  const body = await readBody(await readBytes(raw, gateway.requestBytesMax), raw.headers);
  const passed = sentOn(raw.headers);
  return { id, route, query, passed, ...understand(route, body, pathModel) };
}

/** Each turn means that the key was written once more, so only a crowd of writers comes near this. */
const READS_MAX = 20;

/** Nobody is refused for what his key was when it was last read: as often as it has changed, he is asked again. */
async function byFreshKey<T>(
  { raw }: CallRequest,
  caller: Caller,
  gateway: Gateway,
  attempt: (caller: Caller) => Promise<T>,
): Promise<T> {
  let known = caller;
  for (let reads = 0; ; reads++) {
    try {
      return await attempt(known);
    } catch (error) {
      if (known.key === null || !(error instanceof ApiError) || reads === READS_MAX) throw error;
      const fresh = await authenticate(raw.headers, gateway.keyRing.fresh);
      if (fresh.key?.revision === known.key.revision) throw error;
      known = fresh;
    }
  }
}

/** What the client gets: the end of an answer or, where the next attempt was refused, that refusal. */
type Last = Finished & Pick<Tried, "refusal">;

/** Forwards and settles; the last of the answer is still here. */
async function answered(first: Reserved, client: Client, gateway: Gateway): Promise<Last> {
  const { id } = first.asking.call;
  try {
    return await settled(await tryUntilAnswered(first, client, gateway), client, gateway);
  } catch (error) {
    // By a fault of our own: nobody knows what the call cost.
    await gateway.ledger.end({ kind: "expire", id, at: gateway.clock.now() });
    throw error;
  }
}

async function settled(
  { reserved, answer, refusal }: Tried,
  client: Client,
  gateway: Gateway,
): Promise<Last> {
  const { hold, hidesAmounts: isHidden } = reserved;
  const { call, deployment, price } = reserved.asking;
  const { provider, apiKey: secret } = deployment.config;
  const end = await ending(answeredBy(reserved, answer, gateway.clock.now()), client.destroyed);
  const posted = await gateway.ledger.end(end);
  if (end.kind === "settle" && end.pricing) gateway.metrics.priced(provider, end.pricing);
  const { stream } = call.route.dialect;
  const errorEvent = stream?.errorEvent ?? dataEvent;
  const charge = isPriced(end, price) ? posted.charge : null;
  const headers = {
    ...callHeaders({ ...reserved, standing: posted.standing }),
    ...(charge === null ? {} : costHeaders(chargedBy(end, charge, hold), isHidden)),
  };
  const left = leftOf(posted.standing, isHidden);
  const usageAt = gateway.budgets.costInUsage ? (stream?.usageAt ?? null) : null;
  return { answer, headers, charge, left, secret, errorEvent, usageAt, refusal };
}

/** Where nobody knows the price of what was used, the charge of 0 is no price of 0. */
function isPriced(end: Settle | Release, price: BookPrice | null): boolean {
  if (end.kind !== "settle") return price !== null;
  if (end.cost > 0n) return true;
  return end.pricing?.origin !== "none" && end.unpriced.length === 0;
}

/** What was released cost nothing. */
function chargedBy(end: Settle | Release, charge: NanoUsd, { markup }: Held) {
  return { charge, cost: end.kind === "settle" ? end.cost : ZERO_USD, markup };
}

/** The provider charges nothing for it, so neither does the ledger hear of it; the key has to be good all the same. */
async function free(
  request: CallRequest,
  call: Omit<Call, "customer">,
  client: ServerResponse,
  gateway: Gateway,
): Promise<void> {
  const caller = await goodCaller(request, gateway);
  await passFree(route({ ...call, customer: null }, caller, gateway), client, gateway);
}

/** Of an answer that no reserve stands before. Throws `authentication`. */
async function goodCaller(
  { raw, route: { name } }: CallRequest,
  gateway: Gateway,
): Promise<Caller> {
  const caller = await authenticate(raw.headers, gateway.keyRing.fresh);
  requireGood(caller, gateway.clock.now());
  requireCalls(caller, name);
  return caller;
}
