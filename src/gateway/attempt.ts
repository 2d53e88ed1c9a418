/** Asks one deployment after the other until one answers, each only once the ledger has agreed to its own price. */

import { setTimeout as wait } from "node:timers/promises";
import { firstHeader, type Caller } from "../http/auth.ts";
import type { FailedAttempt } from "../ledger/book.ts";
import type { Refusal } from "../ledger/command.ts";
import { LedgerUnavailable } from "../ledger/store.ts";
import { ApiError } from "../http/errors.ts";
import type { Call } from "./call.ts";
import type { Client } from "./client.ts";
import type { Answer } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { askingFor } from "./route.ts";
import { Refused } from "./refusal.ts";
import { ceilingOf, reserve, type Asking, type Reserved } from "./reserve.ts";
import { answeredBy, figuresOf, noteOf } from "./settle.ts";
import { faultOf, Trials, type Fault, type Trial } from "./trials.ts";
import { wayTo } from "./way.ts";

/** Longer than this a client had better wait itself. */
const WAIT_MS_MAX = 10_000;

export interface Tried {
  readonly reserved: Reserved;
  readonly answer: Answer;
  /** Why the next attempt was not made, where there was to be one: the client is told this and not the answer. */
  readonly refusal: Refusing | null;
}

type Refusing = ApiError | LedgerUnavailable;

/** What another deployment may be admitted for where this one is not. */
const REFUSED_FOR_ITSELF: ReadonlySet<Refusal["name"]> = new Set<Refusal["name"]>([
  "budget_exceeded",
  "headroom_held",
  "unpriced_model",
]);

/**
 * The first of the pool; where that is refused for its price, the first of the others that is not. Where there is none,
 * the first is asked for once more: whoever hears of a refusal hears of the same one as the client.
 */
export async function firstAttempt(
  call: Call,
  caller: Caller,
  pool: readonly Deployment[],
  gateway: Gateway,
): Promise<Reserved> {
  const [first, ...others] = pool.map((deployment) =>
    askingFor({ call, caller, deployment, pool, attempts: [] }, gateway),
  );
  if (first === undefined) throw new Error("a pool has at least one deployment");
  const cheaper = others.filter(isCheaperThan(first, gateway));
  const tentative = cheaper.length === 0 ? [] : [first, ...cheaper];
  return (await firstAdmitted(tentative, gateway)) ?? begin(first, gateway);
}

/** The customer pays for each attempt that was billed, also where it cannot pay for the next one. */
export async function tryUntilAnswered(
  first: Reserved,
  client: Client,
  gateway: Gateway,
): Promise<Tried> {
  const trials = new Trials(first.asking, gateway);
  let reserved = first;
  for (let repeats = 0; ; repeats += 1) {
    const { call, deployment } = reserved.asking;
    const answer = await wayTo(deployment, call, gateway)(reserved, client);
    const fault = faultOf(answer, client.headersSent);
    if (fault === null) return { reserved, answer, refusal: null };
    noteFailure(reserved.asking, fault, gateway);
    const failed = { reserved, answer, fault, repeats };
    const next = await nextAttempt(failed, trials, gateway);
    if (next === undefined) return { reserved, answer, refusal: null };
    if (next instanceof Error) return { reserved, answer, refusal: next };
    reserved = next;
  }
}

interface Failed {
  readonly reserved: Reserved;
  readonly answer: Answer;
  readonly fault: Fault;
  /** Attempts before it. */
  readonly repeats: number;
}

/** Undefined where there is nothing else to try. */
async function nextAttempt(
  failed: Failed,
  trials: Trials,
  gateway: Gateway,
): Promise<Reserved | Refusing | undefined> {
  const { reserved, answer, fault, repeats } = failed;
  const { deployment } = reserved.asking;
  let attempt: FailedAttempt | undefined;
  for (;;) {
    const trial = trials.next(deployment, fault);
    if (trial === undefined) return undefined;
    if (trial.deployment === deployment) await pause(answer, repeats, gateway);
    attempt ??= await attemptOf(reserved, answer, gateway);
    try {
      return await begin(askingAfter(reserved.asking, attempt, trial, gateway), gateway);
    } catch (error) {
      if (!isRefusing(error)) throw error;
      if (!isPassedOver(error)) return error;
      trials.passOver(trial.deployment);
    }
  }
}

/** A body that cannot be translated is refused before anything is held. */
async function begin(asking: Asking, gateway: Gateway, isTentative = false): Promise<Reserved> {
  wayTo(asking.deployment, asking.call, gateway);
  return reserve(asking, gateway, isTentative);
}

/** Undefined also where the first is refused for a reason that holds for all. */
async function firstAdmitted(
  askings: readonly Asking[],
  gateway: Gateway,
): Promise<Reserved | undefined> {
  for (const asking of askings) {
    try {
      return await begin(asking, gateway, true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isForItself = error instanceof Refused && REFUSED_FOR_ITSELF.has(error.refusal.name);
      if (asking === askings[0] && !isForItself) return undefined;
    }
  }
  return undefined;
}

function isRefusing(error: unknown): error is Refusing {
  return error instanceof ApiError || error instanceof LedgerUnavailable;
}

/** Where the customer may not be answered from, or the body cannot be translated: another one may do. */
function isPassedOver(error: Refusing): boolean {
  if (error instanceof Refused) return error.refusal.name === "region_denied";
  return error instanceof ApiError;
}

/** Dearer deployments would be refused for the same reason. */
function isCheaperThan(refused: Asking, gateway: Gateway) {
  const ceiling = ceilingOf(refused, gateway);
  return (other: Asking): boolean => {
    const others = ceilingOf(other, gateway);
    return others !== null && (ceiling === null || others < ceiling);
  };
}

function askingAfter(
  failed: Asking,
  attempt: FailedAttempt,
  next: Trial,
  gateway: Gateway,
): Asking {
  const { caller, pool } = failed;
  const { model, deployment } = next;
  const call = { ...failed.call, model };
  const attempts = [...failed.attempts, attempt];
  return askingFor({ call, caller, deployment, pool, attempts }, gateway);
}

/** What failed, and what it cost all the same. */
async function attemptOf(
  reserved: Reserved,
  answer: Answer,
  gateway: Gateway,
): Promise<FailedAttempt> {
  const { call, deployment } = reserved.asking;
  const { id, provider } = deployment.config;
  const attempt = { model: call.model, deployment: id, failure: noteOf(answer) ?? "failed" };
  const figures = await figuresOf(answeredBy(reserved, answer, gateway.clock.now()));
  if (figures === null) return attempt;
  gateway.metrics.priced(provider, figures.pricing);
  const { cost, usage, source, unpriced } = figures;
  return { ...attempt, billed: { cost, usage, source, unpriced } };
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
