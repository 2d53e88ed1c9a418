/** `Idempotency-Key`: the same call under the same name is made once, and answered with the same bytes. */

import { hash } from "node:crypto";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { firstHeader, type Caller } from "../http/auth.ts";
import { ApiError, errorResponse } from "../http/errors.ts";
import { errorHeaders, idHeaders } from "../http/server.ts";
import { LedgerUnavailable, type Claim } from "../ledger/store.ts";
import type { Call } from "./call.ts";
import { lingering, Recording, type Client, type WrittenAnswer } from "./client.ts";
import type { Gateway } from "./gateway.ts";

/** Longer than any id; it is a key of the database. */
const NAME_CHARS_MAX = 255;

/** A call in flight ends within seconds. */
const IN_FLIGHT_RETRY_S = 1;

/** What is kept of an answer, as text. */
interface Kept extends Omit<WrittenAnswer, "body"> {
  /** Base64. */
  readonly body: string | null;
}

interface Named {
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
  readonly call: Omit<Call, "customer">;
  /** For whom the call is. Rejects where it may not be for him. */
  readonly customer: () => Promise<string | null>;
  /** Rejects for a key that is no longer good. */
  readonly mayCall: () => Promise<unknown>;
}

/** A call that has been made, and posted. */
export interface Made {
  readonly isCharged: boolean;
  /** Lets the rest of the answer go; throws what is told instead of it. */
  readonly finish: () => void;
}

/** Does the work at once where the call has no name; else once for each name, whoever asks how often. */
export async function once(
  named: Named,
  client: ServerResponse,
  gateway: Gateway,
  make: (client: Client) => Promise<Made>,
): Promise<void> {
  const { call, mayCall } = named;
  const name = firstHeader(named.headers, "idempotency-key");
  if (name === undefined) {
    return lingering(client, gateway.deadlines.drainMs, async (near) =>
      (await make(near)).finish(),
    );
  }
  const claim = await claimOf(name, named, gateway.clock.now());
  // No call takes as long as this, with all its tries; whoever claimed the name before that is dead.
  const stale = claim.at - 2 * gateway.deadlines.callMs;
  const claimed = await gateway.answers.claim(claim, stale);
  if (claimed.kind === "answered") {
    await mayCall();
    gateway.metrics.replayed(call.route.name);
    return replay(claimed.answer, call, client);
  }
  if (claimed.kind !== "taken") throw conflict(claimed.kind);
  const recording = new Recording(client);
  let made: Made | null = null;
  try {
    made = await make(recording);
    made.finish();
  } catch (error) {
    if (made?.isCharged !== true) {
      await gateway.answers.letGo(claim);
      throw error;
    }
    // Asking again must not be charged again, so the error is the answer.
    recordError(recording, error, call.id);
  }
  await keep(claim, recording.answer, gateway);
  recording.flush();
}

function recordError(recording: Recording, error: unknown, id: string): void {
  const response = errorResponse(error, id);
  recording.writeHead(response.status, errorHeaders(response, id));
  recording.end(response.body);
}

async function claimOf(
  name: string,
  { caller: { keyHash }, call, customer }: Named,
  at: number,
): Promise<Claim> {
  if (name.length > NAME_CHARS_MAX) {
    throw new ApiError("invalid_request", "The Idempotency-Key is too long.");
  }
  const { route, model, query, body, uploads } = call;
  // Headers may name the customer too, and nobody is given what another was answered.
  const asked = [route.name, model, query, body, uploads, await customer()];
  const request = hash("sha256", JSON.stringify(asked), "hex");
  return { caller: keyHash, name, request, call: call.id, at };
}

/** The call has been made and posted; that its answer cannot be kept must not take it from the client. */
async function keep(claim: Claim, answer: WrittenAnswer, gateway: Gateway): Promise<void> {
  const body = answer.body === null ? null : answer.body.toString("base64");
  const kept: Kept = { ...answer, body };
  try {
    await gateway.answers.keep(claim, JSON.stringify(kept));
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    gateway.log.warn({ id: claim.call, err: error }, "an answer could not be kept");
  }
}

/** The ids are those of the call that was made; only the request that asks again has one of its own. */
function replay(text: string, { id }: Named["call"], client: ServerResponse): void {
  const { status, headers, body } = JSON.parse(text) as Kept;
  if (body === null) throw conflict("too_long");
  const { "x-request-id": requestId } = idHeaders(id);
  client.writeHead(status, {
    ...headers,
    "x-request-id": requestId ?? id,
    "x-purser-replayed": "true",
  });
  client.end(Buffer.from(body, "base64"));
}

function conflict(kind: "in_flight" | "other_request" | "too_long"): ApiError {
  const messages = {
    in_flight: "The call of this Idempotency-Key is still in flight.",
    other_request: "This Idempotency-Key belongs to a call with another body.",
    too_long: "The call of this Idempotency-Key was made; its answer was too long to be kept.",
  };
  const headers = kind === "in_flight" ? { "retry-after": String(IN_FLIGHT_RETRY_S) } : {};
  return new ApiError("idempotency_conflict", messages[kind], { headers });
}
