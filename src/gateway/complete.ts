/** The way of a call: identified, read, routed, reserved, forwarded, settled, and only then finished. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { authenticate, requireCalls, type Caller } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import type { Release, Settle } from "../ledger/command.ts";
import type { BookPrice } from "../money/pricing.ts";
import type { Call } from "./call.ts";
import { customerFor } from "./customer-rule.ts";
import { finish, type Finished } from "./finish.ts";
import { forward } from "./forward.ts";
import type { Gateway } from "./gateway.ts";
import { readBody, readChat, type ChatBody } from "./read.ts";
import { reserve, type Reserved } from "./reserve.ts";
import { route } from "./route.ts";
import { callHeaders, sending } from "./sending.ts";
import { ending } from "./settle.ts";

/** A request on one of the inference routes. */
export interface CallRequest {
  readonly id: string;
  readonly raw: IncomingMessage;
  readonly route: string;
  readonly upstreamPath: string;
  /** Where the path names the model, as Azure's does. */
  readonly pathModel: string | undefined;
}

/** Throws an `ApiError` for every lawful no. Once the hold is taken it ends here, whatever happens. */
export async function complete(
  request: CallRequest,
  client: ServerResponse,
  gateway: Gateway,
): Promise<void> {
  const caller = await authenticate(request.raw.headers, gateway.keyRing.remembered);
  const chat = readChat(await readBody(request.raw, gateway.requestBytesMax), request.pathModel);
  const reserved = await byFreshKey(request, caller, gateway, async (known) => {
    requireCalls(known, request.route);
    const naming = { headers: request.raw.headers, body: chat.body };
    const customer = await customerFor(naming, known, gateway);
    return reserve(route(callOf(request, customer, chat), known, gateway), gateway);
  });
  const answer = await answered(reserved, client, gateway);
  finish(client, answer);
}

/** Nobody is refused for what his key was when it was last read: if it has changed since, he is asked again. */
async function byFreshKey<T>(
  { raw }: CallRequest,
  caller: Caller,
  gateway: Gateway,
  attempt: (caller: Caller) => Promise<T>,
): Promise<T> {
  try {
    return await attempt(caller);
  } catch (error) {
    if (caller.key === null || !(error instanceof ApiError)) throw error;
    const fresh = await authenticate(raw.headers, gateway.keyRing.fresh);
    if (fresh.key?.revision === caller.key.revision) throw error;
    return attempt(fresh);
  }
}

function callOf(
  { id, route: path, upstreamPath }: CallRequest,
  customer: string | null,
  chat: ChatBody,
): Call {
  return { id, route: path, upstreamPath, customer, ...chat };
}

/** Forwards and settles; the last of the answer is still here. */
async function answered(
  reserved: Reserved,
  client: ServerResponse,
  gateway: Gateway,
): Promise<Finished> {
  const { asking, hold } = reserved;
  const { call, deployment, price } = asking;
  const { provider } = deployment.config;
  try {
    const answer = await forward(sending(reserved, gateway), gateway.upstream, client);
    const at = gateway.clock.now();
    const convention = "openai_chat";
    const pricedAt = asking.at;
    const end = await ending({ call, provider, convention, hold, price, pricedAt, answer, at });
    const posted = await gateway.ledger.end(end);
    if (end.kind === "settle") gateway.metrics.priced(provider, end.pricing);
    const headers = callHeaders({ ...reserved, standing: posted.standing });
    const charge = isPriced(end, price) ? posted.charge : null;
    return { answer, headers, charge, secret: deployment.config.apiKey };
  } catch (error) {
    // A fault of our own: nobody knows what the call cost, which is what expiring a hold stands for.
    await gateway.ledger.end({ kind: "expire", id: hold.id, at: gateway.clock.now() });
    throw error;
  }
}

/** Where nobody knows the price, the charge of 0 is no price of 0. */
function isPriced(end: Settle | Release, price: BookPrice | null): boolean {
  return end.kind === "settle" ? end.pricing.origin !== "none" : price !== null;
}
