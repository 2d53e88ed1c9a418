/** What is tried after a failure: the model's other deployments, then the models that stand in for it. */

import { objectAt, objectOf, textAt } from "./dialects/events.ts";
import type { Answer } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import type { Asking } from "./reserve.ts";
import { standInsFor } from "./route.ts";

/** Where nobody says how often: a call that three have failed to answer is not worth a fourth. */
const RETRIES_DEFAULT = 2;

/** Whatever the settings add up to. */
const TRIALS_MAX = 10;

/** A deployment, under the name that it is asked by. */
export interface Trial {
  readonly model: string;
  readonly deployment: Deployment;
}

/**
 * `passing`: the same deployment may do better in a moment. `own`: it will not, another one may. `context`, `policy`:
 * the input is too long for the model, or its filter refused it.
 */
export type Fault = "passing" | "own" | "context" | "policy";

const PASSING = new Set([408, 409, 425, 429]);
const OWN = new Set([401, 403, 404]);

/** Null for an answer to keep: a good one, one that no other deployment would better, or one that has begun. */
export function faultOf(answer: Answer, hasBegun: boolean): Fault | null {
  if (hasBegun || answer.kind === "streamed") return null;
  if (answer.kind === "broken") {
    const { failure } = answer;
    return failure === "client_left" || failure === "over_bound" ? null : "passing";
  }
  const { status } = answer;
  if (status >= 500 || PASSING.has(status)) return "passing";
  if (OWN.has(status)) return "own";
  return status === 400 ? faultOfInput(answer.body) : null;
}

/** Providers agree on neither codes nor words, so both are looked at. */
function faultOfInput(body: Buffer): Fault | null {
  const error = objectAt(objectOf(body.toString("utf8")), "error");
  const said = ["code", "type", "message"].map((field) => textAt(error, field)).join(" ");
  if (/context_length|context window|too long|maximum.{0,40}tokens/i.test(said)) return "context";
  if (/content_(?:policy|filter)|content management policy|safety/i.test(said)) return "policy";
  // A stored response lives with the deployment that gave it.
  return /previous_response_not_found|previous response/i.test(said) ? "own" : null;
}

export class Trials {
  readonly #first: Asking;
  readonly #gateway: Gateway;
  /** Those that a retry may ask, the next one first. */
  #pool: Deployment[];
  /** How many deployments of the model there are for this customer. */
  #size: number;
  #retries = 0;
  /** What stands in for a model has nothing that stands in for it, so they are looked up once. */
  #standIns: Trial[] | undefined;
  #left = TRIALS_MAX;

  constructor(first: Asking, gateway: Gateway) {
    const { pool, deployment } = first;
    this.#first = first;
    this.#gateway = gateway;
    this.#pool = [...pool.filter((other) => other !== deployment), deployment];
    this.#size = pool.length;
  }

  /** What to try after this one; undefined where the failure has to stand. */
  next(failed: Deployment, fault: Fault): Trial | undefined {
    if (fault === "own") this.#drop(failed);
    if (isOfInput(fault)) this.#pool = [];
    if (isOfInput(fault) && this.#standIns !== undefined) this.#standIns = [];
    this.#left -= 1;
    if (this.#left <= 0) return undefined;
    return this.#retry() ?? this.#standIn(fault);
  }

  /** The customer may not be answered from there: that was no retry, and there is one deployment less. */
  passOver(denied: Deployment): void {
    if (!this.#pool.includes(denied)) return;
    this.#drop(denied);
    this.#size -= 1;
    this.#retries -= 1;
  }

  #drop(deployment: Deployment): void {
    this.#pool = this.#pool.filter((other) => other !== deployment);
    this.#standIns = this.#standIns?.filter((trial) => trial.deployment !== deployment);
  }

  #retry(): Trial | undefined {
    const most = this.#gateway.routing.retries ?? Math.min(RETRIES_DEFAULT, this.#size - 1);
    const deployment = this.#retries < most ? this.#pool.shift() : undefined;
    if (deployment === undefined) return undefined;
    this.#retries += 1;
    this.#pool.push(deployment);
    return { model: this.#first.call.model, deployment };
  }

  #standIn(fault: Fault): Trial | undefined {
    this.#standIns ??= this.#modelsFor(fault).flatMap((model) =>
      standInsFor(this.#first.call, model, this.#gateway).map((deployment) => ({
        model,
        deployment,
      })),
    );
    return this.#standIns.shift();
  }

  #modelsFor(fault: Fault): readonly string[] {
    const { fallbacks } = this.#gateway.routing;
    const { model } = this.#first.call;
    const given = fallbacks[isOfInput(fault) ? fault : "general"].get(model);
    const models = given ?? (isOfInput(fault) ? [] : fallbacks.fallback);
    return models.filter((name) => name !== model);
  }
}

function isOfInput(fault: Fault): fault is "context" | "policy" {
  return fault === "context" || fault === "policy";
}
