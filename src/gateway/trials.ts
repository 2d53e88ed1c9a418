/** What is tried after a failure: the model's other deployments, then the models that stand in for it. */

import { ApiError } from "../http/errors.ts";
import type { Call } from "./call.ts";
import { objectAt, objectOf, textAt } from "./dialects/events.ts";
import type { Answer } from "./forward.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { deploymentsFor } from "./route.ts";

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
  readonly #call: Call;
  readonly #gateway: Gateway;
  #queue: Trial[];
  #left = TRIALS_MAX;
  #hasFallenBack = false;

  constructor(call: Call, pool: readonly Deployment[], gateway: Gateway) {
    this.#call = call;
    this.#gateway = gateway;
    const retries = gateway.routing.retries ?? Math.min(RETRIES_DEFAULT, pool.length - 1);
    const { model } = call;
    this.#queue = Array.from({ length: retries }, (_, index) => pool[(index + 1) % pool.length])
      .filter((deployment) => deployment !== undefined)
      .map((deployment) => ({ model, deployment }));
  }

  /** What to try after this one; undefined where the failure has to stand. */
  next(failed: Deployment, fault: Fault): Trial | undefined {
    if (fault === "own") this.#drop(failed);
    if (fault === "context" || fault === "policy") this.#queue = [];
    if (this.#queue.length === 0) this.#fallBack(fault);
    this.#left -= 1;
    return this.#left > 0 ? this.#queue.shift() : undefined;
  }

  #drop(failed: Deployment): void {
    this.#queue = this.#queue.filter(({ deployment }) => deployment !== failed);
  }

  /** Once: what stands in for a model has nothing that stands in for it. */
  #fallBack(fault: Fault): void {
    if (this.#hasFallenBack) return;
    this.#hasFallenBack = true;
    const { fallbacks } = this.#gateway.routing;
    const { model } = this.#call;
    const given =
      fallbacks[fault === "context" || fault === "policy" ? fault : "general"].get(model);
    const models = given ?? (fault === "passing" || fault === "own" ? fallbacks.fallback : []);
    for (const name of models) if (name !== model) this.#queue.push(...this.#trialsOf(name));
  }

  /** A model that cannot stand in on this route is passed over. */
  #trialsOf(model: string): Trial[] {
    try {
      const deployments = deploymentsFor(this.#call, model, this.#gateway);
      return deployments.map((deployment) => ({ model, deployment }));
    } catch (error) {
      if (error instanceof ApiError) return [];
      throw error;
    }
  }
}
