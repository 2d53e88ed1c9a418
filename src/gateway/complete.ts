/** The way of a call: identified, read, routed, reserved, forwarded, settled, and only then finished. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "../http/errors.ts";
import type { Call, Caller } from "./call.ts";
import { finish, type Finished } from "./finish.ts";
import { forward } from "./forward.ts";
import type { Gateway } from "./gateway.ts";
import { customerOf, identify } from "./identify.ts";
import { readBody, readChat } from "./read.ts";
import { reserve, type Asking, type Reserved } from "./reserve.ts";
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
  const caller = identify(request.raw.headers, gateway.masterKeyHash);
  const call = await read(request, gateway);
  const asking = route(call, caller, gateway);
  const reserved = await reserve(asking, gateway);
  const answer = await answered(asking, reserved, client, gateway);
  finish(client, answer);
}

async function read(request: CallRequest, gateway: Gateway): Promise<Call> {
  const { id, raw, route, upstreamPath, pathModel } = request;
  const chat = readChat(await readBody(raw, gateway.requestBytesMax), pathModel);
  return { id, route, upstreamPath, customer: customerOf(raw.headers, chat.body), ...chat };
}

function route(call: Call, caller: Caller, gateway: Gateway): Asking {
  const deployment = gateway.deployments.get(call.model)?.[0];
  if (deployment === undefined) {
    const message = `The model "${shown(call.model)}" does not exist. See GET /v1/models.`;
    throw new ApiError("model_not_found", message, { param: "model" });
  }
  const at = gateway.clock.now();
  return { call, caller, deployment, price: gateway.prices.priceOf(deployment.config, at), at };
}

/** Forwards and settles; the last of the answer is still here. */
async function answered(
  asking: Asking,
  reserved: Reserved,
  client: ServerResponse,
  gateway: Gateway,
): Promise<Finished> {
  const { call, deployment, price } = asking;
  const { hold } = reserved;
  try {
    const answer = await forward(
      sending(call, deployment, reserved, gateway),
      gateway.upstream,
      client,
    );
    const at = gateway.clock.now();
    const posted = await gateway.ledger.end(await ending({ call, hold, price, answer, at }));
    const headers = callHeaders(call, deployment, { ...reserved, standing: posted.standing });
    const charge = price === null ? null : posted.charge;
    return { answer, headers, charge, secret: deployment.config.apiKey };
  } catch (error) {
    // A fault of our own: nobody knows what the call cost, which is what expiring a hold stands for.
    await gateway.ledger.end({ kind: "expire", id: hold.id, at: gateway.clock.now() });
    throw error;
  }
}

/** Enough of a name to recognise it; a megabyte is not echoed. */
function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
