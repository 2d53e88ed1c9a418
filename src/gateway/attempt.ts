/** Asks one deployment after the other until one answers, each only once the ledger has agreed to its own price. */

import type { Client } from "./client.ts";
import { setTimeout as wait } from "node:timers/promises";
import type { FailedAttempt } from "../ledger/book.ts";
import type { Caller } from "../http/auth.ts";
import { ApiError, type ErrorName } from "../http/errors.ts";
import { firstHeader } from "../http/auth.ts";
import type { Call } from "./call.ts";
import type { Answer } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { askingFor } from "./route.ts";
import { ceilingOf, reserve, type Asking, type Reserved } from "./reserve.ts";
import { noteOf } from "./settle.ts";
import { faultOf, Trials, type Fault, type Trial } from "./trials.ts";
import { wayTo } from "./way.ts";

/** Longer than this a client had better wait itself. */
const WAIT_MS_MAX = 10_000;

interface Tried {
  readonly reserved: Reserved;
  readonly answer: Answer;
}

/** What another deployment may be admitted for where this one is not. */
const REFUSED_FOR_ITSELF: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "budget_exceeded",
  "headroom_held",
  "unpriced_model",
]);

/** The first of the pool; where that is refused for its price, the first of the others that is not. */
export async function firstAttempt(
  call: Call,
  caller: Caller,
  pool: readonly Deployment[],
  gateway: Gateway,
): Promise<Reserved> {
  const [first, ...others] = pool.map((deployment) =>
    askingFor({ call, caller, deployment, attempts: [] }, gateway),
  );
  if (first === undefined) throw new Error("a pool has at least one deployment");
  const cheaper = others.filter(isCheaperThan(first, gateway));
  try {
    return await begin(first, gateway, cheaper.length > 0);
  } catch (error) {
    if (!(error instanceof ApiError) || !REFUSED_FOR_ITSELF.has(error.error)) throw error;
    const other = await firstAdmitted(cheaper, gateway);
    if (other === undefined) throw error;
    return other;
  }
}

/** Rejects with the refusal where the next deployment is one that the customer cannot pay for. */
export async function tryUntilAnswered(
  first: Reserved,
  pool: readonly Deployment[],
  client: Client,
  gateway: Gateway,
): Promise<Tried> {
  const trials = new Trials(first.asking.call, pool, gateway);
  let reserved = first;
  for (let repeats = 0; ; repeats += 1) {
    const { asking } = reserved;
    const { call, deployment } = asking;
    const answer = await wayTo(deployment, call, gateway)(reserved, client);
    const fault = faultOf(answer, client.headersSent);
    if (fault === null) return { reserved, answer };
    noteFailure(asking, fault, gateway);
    const next = trials.next(deployment, fault);
    if (next === undefined) return { reserved, answer };
    if (next.deployment === deployment) await pause(answer, repeats, gateway);
    reserved = await begin(askingAfter(asking, answer, next, gateway), gateway);
  }
}

/** A body that cannot be translated is refused before anything is held. */
async function begin(asking: Asking, gateway: Gateway, hasCheaper = false): Promise<Reserved> {
  wayTo(asking.deployment, asking.call, gateway);
  return reserve(asking, gateway, hasCheaper);
}

async function firstAdmitted(
  others: readonly Asking[],
  gateway: Gateway,
): Promise<Reserved | undefined> {
  for (const [index, other] of others.entries()) {
    try {
      return await begin(other, gateway, index < others.length - 1);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  return undefined;
}

/** Dearer deployments would be refused for the same reason. */
function isCheaperThan(refused: Asking, gateway: Gateway) {
  const ceiling = ceilingOf(refused, gateway);
  return (other: Asking): boolean => {
    const others = ceilingOf(other, gateway);
    return others !== null && (ceiling === null || others < ceiling);
  };
}

function askingAfter(failed: Asking, answer: Answer, next: Trial, gateway: Gateway): Asking {
  const { caller, deployment } = failed;
  const { model } = failed.call;
  const failure = noteOf(answer) ?? "failed";
  const attempt: FailedAttempt = { model, deployment: deployment.config.id, failure };
  const attempts = [...failed.attempts, attempt];
  const call = { ...failed.call, model: next.model };
  return askingFor({ call, caller, deployment: next.deployment, attempts }, gateway);
}

/** What is wrong with the input is no fault of the deployment's. */
function noteFailure({ deployment }: Asking, fault: Fault, gateway: Gateway): void {
  if (fault === "context" || fault === "policy") return;
  gateway.cooldowns.failed(deployment.config.id, gateway.clock.now());
}

/** As long as the provider asks for, else longer each time and not in step with other calls. */
async function pause(answer: Answer, repeats: number, gateway: Gateway): Promise<void> {
  const { random, routing } = gateway;
  const asked = answer.kind === "whole" ? Number(firstHeader(answer.headers, "retry-after")) : NaN;
  const likely = routing.retryAfterMs * 2 ** repeats * (1 + random());
  await wait(Math.min(Number.isNaN(asked) ? likely : asked * 1000, WAIT_MS_MAX));
}
