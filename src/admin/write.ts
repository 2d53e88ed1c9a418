/** How administrators change accounts: read, work out what shall be, write, and again if somebody else was faster. */

import { ApiError } from "../http/errors.ts";
import type { Budget, Customer, Key } from "../ledger/book.ts";
import type { Adjust, Refusal, Rewrite } from "../ledger/command.ts";
import type { Admin } from "./admin.ts";

/** Each attempt that fails means that another one succeeded, so only a crowd at one row comes near this. */
const ATTEMPTS_MAX = 20;

/** Identity and time of a write; rows that come to be bear both. */
export interface Stamp {
  readonly id: string;
  readonly at: number;
}

export interface Plan<Answer> {
  readonly customers?: readonly Rewrite<Customer>[];
  readonly budgets?: readonly Rewrite<Budget>[];
  readonly keys?: readonly Rewrite<Key>[];
  /** Posted in the same transaction. */
  readonly adjust?: Adjust;
  readonly answer: Answer;
}

/**
 * The plan is made anew for every attempt, from rows that it reads itself. Nothing is written where it throws, and
 * nothing where everything stands as planned already.
 */
export async function write<Answer>(
  admin: Admin,
  plan: (stamp: Stamp) => Promise<Plan<Answer>>,
): Promise<Answer> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const stamp = { id: admin.newId(), at: admin.clock.now() };
    const planned = await plan(stamp);
    const refusal = await apply(admin, stamp, planned);
    if (refusal === null) return planned.answer;
    if (refusal.name !== "changed") throw refusalError(refusal);
  }
  throw new ApiError("conflict", "Others are writing the same rows. Try again.");
}

async function apply(
  { ledger }: Admin,
  stamp: Stamp,
  { customers = [], budgets = [], keys = [], adjust }: Plan<unknown>,
): Promise<Refusal | null> {
  if (customers.length + budgets.length + keys.length === 0 && adjust === undefined) return null;
  const command = { kind: "write", ...stamp, customers, budgets, keys } as const;
  const [outcome] = await ledger.apply(adjust === undefined ? [command] : [command, adjust]);
  return outcome?.kind === "refused" ? outcome.refusal : null;
}

function refusalError(refusal: Refusal): ApiError {
  const param = "budget_id";
  if (refusal.name === "unknown_budget") {
    return new ApiError("not_found", `Budget Id=${refusal.budget} does not exist in db`, { param });
  }
  if (refusal.name === "budget_in_use") {
    const cure = "Give its customers and keys another one first.";
    return new ApiError("conflict", `Budget Id=${refusal.budget} is in use. ${cure}`, { param });
  }
  if (refusal.name === "alias_taken") {
    // LiteLLM's words, and its status.
    const message =
      `Key with alias '${refusal.alias}' already exists. ` +
      "Unique key aliases across all keys are required.";
    return new ApiError("invalid_request", message, { param: "key_alias" });
  }
  throw new Error(`a write cannot be refused as ${refusal.name}`);
}
