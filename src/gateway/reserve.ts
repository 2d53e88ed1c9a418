/** Sets a call's ceiling aside before anything is forwarded, or says why not. */

import type { MarkupConfig } from "../config/config.ts";
import { isFinal, type Asked, type Held, type Outcome } from "../ledger/command.ts";
import type { Quote, Standing } from "../ledger/command.ts";
import type { FailedAttempt } from "../ledger/book.ts";
import type { Markup } from "../money/markup.ts";
import type { BookPrice } from "../money/pricing.ts";
import type { Caller } from "../http/auth.ts";
import type { Call } from "./call.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { hidesAmounts } from "./headers.ts";
import { otherWay } from "./other-way.ts";
import { quote } from "./quote.ts";
import { Refused, refusalError } from "./refusal.ts";
import { inputTokensByBytes, inputTokensByTokenizer } from "./tokens.ts";

export interface Reserved {
  /** As it was granted, which may be another way than it was asked for. */
  readonly asking: Asking;
  readonly hold: Held;
  readonly standing: Standing | null;
  readonly quote: Quote;
  /** The caller is not to see what is left. */
  readonly hidesAmounts: boolean;
}

/** A call on its way into the ledger. */
export interface Asking {
  readonly call: Call;
  readonly caller: Caller;
  readonly deployment: Deployment;
  /** The deployments that may answer, in the order of trial. */
  readonly pool: readonly Deployment[];
  readonly price: BookPrice | null;
  /** Where they are known, and not to be found by looking at the body. */
  readonly inputTokens: number | null;
  readonly at: number;
  /** Deployments that were asked before this one. */
  readonly attempts: readonly FailedAttempt[];
}

/** What the ledger said, and to what. */
export interface Answer {
  readonly asking: Asking;
  readonly quote: Quote;
  readonly outcome: Outcome;
}

/** `closest`: no closer bound of the input will be tried. */
type Put = (asked: Asked, closest: boolean) => Promise<Outcome>;

/** `isTentative`: a refusal is not the last word. */
export async function reserve(
  asked: Asking,
  gateway: Gateway,
  isTentative = false,
): Promise<Reserved> {
  const answer = await answerTo(asked, gateway, (command, closest) =>
    gateway.ledger.reserve({ kind: "reserve", closest, isTentative, ...command }),
  );
  const { asking, quote: quoted, outcome } = answer;
  if (outcome.kind === "held") {
    const { hold, standing } = outcome;
    const isHidden = hidesAmounts(asking.caller, gateway.budgets);
    return { asking, hold, standing, quote: quoted, hidesAmounts: isHidden };
  }
  if (outcome.kind !== "refused") throw new Error(`a reserve was answered as ${outcome.kind}`);
  const { refusal } = outcome;
  throw new Refused(refusal, refusalError(refusal, asking.caller, gateway.budgets, asking.at));
}

/** What the ledger says to the call as it was asked for or, if there is one, to the other way of making it. */
export async function answerTo(asking: Asking, gateway: Gateway, put: Put): Promise<Answer> {
  const first = await quotedAnswer(asking, gateway, put);
  if (first.outcome.kind !== "refused") return first;
  const other = otherWay(asking, first.outcome.refusal, gateway);
  return other === null ? first : quotedAnswer(other, gateway, put);
}

/** Only a call that does not fit by the bound that costs nothing is worth tokenising. */
async function quotedAnswer(asking: Asking, gateway: Gateway, put: Put): Promise<Answer> {
  const { body, uploads } = asking.call;
  const isKnown = asking.inputTokens !== null;
  const bytes = asking.inputTokens ?? inputTokensByBytes(body, uploads);
  const roughly = quoteFor(asking, bytes, gateway);
  const rough = await put(commandFor(asking, roughly, gateway), isKnown);
  if (rough.kind !== "refused" || isFinal(rough.refusal, { closest: isKnown })) {
    return { asking, quote: roughly, outcome: rough };
  }
  const inputTokens = (await inputTokensByTokenizer(body, uploads)) ?? roughly.inputTokens;
  const closely = quoteFor(asking, Math.min(inputTokens, roughly.inputTokens), gateway);
  return { asking, quote: closely, outcome: await put(commandFor(asking, closely, gateway), true) };
}

function quoteFor(
  { call, deployment, price }: Asking,
  inputTokens: number,
  gateway: Pick<Gateway, "markup">,
): Quote {
  const { provider, inputTokensMax, outputTokensMax } = deployment.config;
  // More than the model takes is refused by its provider.
  const bound = Math.min(inputTokens, inputTokensMax ?? Number.MAX_SAFE_INTEGER);
  const markup = marginOf(provider, gateway.markup);
  return { ...quote(call, price, bound, outputTokensMax), markup };
}

/** What is charged above the cost, unless the customer or its budget says otherwise. */
function marginOf(provider: string, { margins }: MarkupConfig): Markup | null {
  return margins[provider] ?? margins["global"] ?? null;
}

/** What the call may cost there at most, in pico-dollars; null where that is not known. */
export function ceilingOf(asking: Asking, gateway: Pick<Gateway, "markup">): bigint | null {
  const { body, uploads } = asking.call;
  const bytes = inputTokensByBytes(body, uploads);
  const { price, outputTokens, choices } = quoteFor(asking, bytes, gateway);
  if (price === null) return null;
  const output = price.outputRate * BigInt(outputTokens * choices);
  return price.inputPico + price.feesPico + output;
}

function commandFor(
  { call, caller, deployment, at, attempts }: Asking,
  quoted: Quote,
  { instance }: Gateway,
): Asked {
  const { provider, id: deploymentId, region } = deployment.config;
  return {
    id: call.id,
    at,
    instance,
    customer: call.customer,
    key: { hash: caller.keyHash, revision: caller.key?.revision ?? null },
    facts: {
      route: call.route.name,
      model: call.model,
      provider,
      deployment: deploymentId,
      region,
      keyAlias: caller.key?.alias ?? null,
      ...(attempts.length === 0 ? {} : { attempts }),
    },
    quote: quoted,
  };
}
