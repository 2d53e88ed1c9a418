/** Prices calls anew that were posted: the differences are posted beside them, and a second time there are none. */

import { Type, type Static } from "typebox";
import { spentOn } from "../ledger/attempts.ts";
import type { Reprice } from "../ledger/command.ts";
import type { CallFilter, PostedCall } from "../ledger/store.ts";
import { jsonUsd, nanoUsd } from "../money/amount.ts";
import { chargeOf } from "../money/markup.ts";
import { isKnown, priced } from "../money/pricing.ts";
import type { PriceBook } from "../prices/book.ts";
import type { Admin } from "./admin.ts";
import { timeIn } from "./time.ts";

/** Together in memory, and in one transaction: a second of work for a database that also serves calls. */
const PAGE_CALLS = 500;

/** Some minutes of work; whoever has more calls goes on from `next`. */
const CALLS_DEFAULT = 100_000;
const CALLS_MAX = 1_000_000;

const Nullable = Type.Optional(Type.Union([Type.String(), Type.Null()]));

export const RepriceBody = Type.Object(
  {
    /** From the first call and to now, where they are left out. */
    from: Nullable,
    to: Nullable,
    customer: Nullable,
    /** The name that clients asked for. */
    model: Nullable,
    deployment: Nullable,
    unpriced_only: Type.Optional(Type.Boolean()),
    dry_run: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: CALLS_MAX })),
    /** Where an earlier answer left off. */
    after: Type.Optional(Type.Union([Type.String({ pattern: "^\\d{1,18}$" }), Type.Null()])),
  },
  { additionalProperties: false },
);
export type RepriceBody = Static<typeof RepriceBody>;

/** What is found and, but for a dry run, done. */
interface Tally {
  examined: number;
  repriced: number;
  stillUnpriced: number;
  cost: bigint;
  charge: bigint;
  /** As many as there are models and deployments. */
  readonly byModel: Map<string, ModelTally>;
}

interface ModelTally {
  readonly model: string;
  readonly deployment: string;
  calls: number;
  charge: bigint;
}

function newTally(): Tally {
  const none = { examined: 0, repriced: 0, stillUnpriced: 0, cost: 0n, charge: 0n };
  return { ...none, byModel: new Map() };
}

export async function reprice(body: RepriceBody, admin: Admin): Promise<unknown> {
  const at = admin.clock.now();
  const filter = filterOf(body, at);
  const limit = body.limit ?? CALLS_DEFAULT;
  const tally: Tally = newTally();
  let after: bigint | null = BigInt(body.after ?? 0);
  while (after !== null && tally.examined < limit) {
    const size = Math.min(PAGE_CALLS, limit - tally.examined);
    const page = await admin.ledger.read.calls(filter, after, size);
    const commands = page
      .filter((call) => isMeant(call, body))
      .flatMap(correctionIn(admin, at, tally));
    if (body.dry_run !== true && commands.length > 0) await admin.ledger.apply(commands);
    tally.examined += page.length;
    after = page.length < size ? null : (page.at(-1)?.seq ?? null);
  }
  return report(tally, body.dry_run ?? false, after);
}

function filterOf({ from, to, customer, unpriced_only }: RepriceBody, now: number): CallFilter {
  return {
    from: from === null || from === undefined ? 0 : timeIn(from, "from"),
    // A call that is posted meanwhile has today's price already.
    to: to === null || to === undefined ? now + 1 : timeIn(to, "to"),
    customer: customer ?? null,
    unpricedOnly: unpriced_only ?? false,
  };
}

function isMeant({ posting }: PostedCall, { model, deployment }: RepriceBody): boolean {
  const { facts } = posting;
  return (
    (typeof model !== "string" || facts.model === model) &&
    (typeof deployment !== "string" || facts.deployment === deployment)
  );
}

function correctionIn({ prices }: Admin, at: number, tally: Tally) {
  return (call: PostedCall): Reprice[] => {
    const correction = correctionOf(call, prices, at);
    const unpriced = correction?.unpriced ?? call.unpriced;
    if (unpriced.length > 0) tally.stillUnpriced += 1;
    if (correction === null) return [];
    count(tally, call, correction);
    return [correction];
  };
}

/**
 * Null where the book says nothing else, or has no price but the fallback: a charge never becomes unpriced. What failed
 * attempts have cost stays as it is.
 */
function correctionOf(call: PostedCall, prices: PriceBook, at: number): Reprice | null {
  const { posting, repricings, unpriced } = call;
  // Only its attempts cost anything.
  if (posting.source === "none") return null;
  const pricedAt = posting.pricing?.at ?? posting.at;
  const price = prices.priceOf({ id: posting.facts.deployment }, pricedAt);
  if (!isKnown(price)) return null;
  const { serviceTier = null, statedCost = null } = posting.pricing ?? {};
  const figures = priced({ usage: posting.usage, serviceTier, statedCost, at: pricedAt }, price);
  const total = nanoUsd(figures.cost + spentOn(posting.facts));
  const cost = nanoUsd(total - call.cost);
  const charge = nanoUsd(chargeOf(total, posting.markup) - call.charge);
  const isKnownNow = figures.unpriced.length < unpriced.length;
  if (cost === 0n && charge === 0n && !isKnownNow) return null;
  // Whoever reprices the same call at the same time makes the same correction, which is then posted once.
  const corrects = posting.corrects ?? posting.id;
  const id = `${corrects}:reprice:${String(repricings)}`;
  return { kind: "reprice", id, at, corrects, ...figures, cost, charge, note: "repriced" };
}

function count(tally: Tally, { posting }: PostedCall, { cost, charge }: Reprice): void {
  const { model, deployment } = posting.facts;
  tally.repriced += 1;
  tally.cost += cost;
  tally.charge += charge;
  const name = JSON.stringify([model, deployment]);
  const before = tally.byModel.get(name) ?? { model, deployment, calls: 0, charge: 0n };
  tally.byModel.set(name, {
    ...before,
    calls: before.calls + 1,
    charge: before.charge + charge,
  });
}

function report(tally: Tally, dryRun: boolean, next: bigint | null): unknown {
  return {
    dry_run: dryRun,
    examined: tally.examined,
    repriced: tally.repriced,
    still_unpriced: tally.stillUnpriced,
    cost_difference: jsonUsd(nanoUsd(tally.cost)),
    charge_difference: jsonUsd(nanoUsd(tally.charge)),
    models: [...tally.byModel.values()].map(({ model, deployment, calls, charge }) => ({
      model,
      deployment,
      calls,
      charge_difference: jsonUsd(nanoUsd(charge)),
    })),
    next: next === null ? null : String(next),
  };
}
