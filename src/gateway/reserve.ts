/** Sets a call's ceiling aside before anything is forwarded, or says why not. */

import { isFinal, type Asked, type Held, type Outcome } from "../ledger/command.ts";
import type { Quote, Standing } from "../ledger/command.ts";
import type { Price } from "../money/price.ts";
import type { Caller } from "../http/auth.ts";
import type { Call } from "./call.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { hidesAmounts } from "./headers.ts";
import { otherWay } from "./other-way.ts";
import { quote } from "./quote.ts";
import { refusalError } from "./refusal.ts";
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
  readonly price: Price | null;
  /** Where they are known, and not to be found by looking at the body. */
  readonly inputTokens: number | null;
  readonly at: number;
}

/** What the ledger said, and to what. */
export interface Answer {
  readonly asking: Asking;
  readonly quote: Quote;
  readonly outcome: Outcome;
}

/** `closest`: no closer bound of the input will be tried. */
type Put = (asked: Asked, closest: boolean) => Promise<Outcome>;

export async function reserve(asked: Asking, gateway: Gateway): Promise<Reserved> {
  const answer = await answerTo(asked, gateway, (command, closest) =>
    gateway.ledger.reserve({ kind: "reserve", closest, ...command }),
  );
  const { asking, quote: quoted, outcome } = answer;
  if (outcome.kind === "held") {
    const { hold, standing } = outcome;
    const isHidden = hidesAmounts(asking.caller, gateway.budgets);
    return { asking, hold, standing, quote: quoted, hidesAmounts: isHidden };
  }
  if (outcome.kind !== "refused") throw new Error(`a reserve was answered as ${outcome.kind}`);
  gateway.metrics.refused(outcome.refusal.name);
  throw refusalError(outcome.refusal, asking.caller, gateway.budgets, asking.at);
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
  const { body } = asking.call;
  const isKnown = asking.inputTokens !== null;
  const roughly = quoteFor(asking, asking.inputTokens ?? inputTokensByBytes(body));
  const rough = await put(commandFor(asking, roughly, gateway), isKnown);
  if (rough.kind !== "refused" || isFinal(rough.refusal, { closest: isKnown })) {
    return { asking, quote: roughly, outcome: rough };
  }
  const inputTokens = (await inputTokensByTokenizer(body)) ?? roughly.inputTokens;
  const closely = quoteFor(asking, Math.min(inputTokens, roughly.inputTokens));
  return { asking, quote: closely, outcome: await put(commandFor(asking, closely, gateway), true) };
}

function quoteFor({ call, deployment, price }: Asking, inputTokens: number): Quote {
  return quote(call, price, inputTokens, deployment.config.outputTokensMax);
}

function commandFor(
  { call, caller, deployment, at }: Asking,
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
      route: call.route,
      model: call.model,
      provider,
      deployment: deploymentId,
      region,
      keyAlias: caller.key?.alias ?? null,
    },
    quote: quoted,
  };
}
