/** Sets a call's ceiling aside before anything is forwarded, or says why not. */

import {
  remaining,
  type Held,
  type Outcome,
  type Quote,
  type Reserve,
  type Standing,
} from "../ledger/command.ts";
import type { Price } from "../money/price.ts";
import type { Caller } from "../http/auth.ts";
import type { Call } from "./call.ts";
import type { Deployment, Gateway } from "./gateway.ts";
import { hidesAmounts } from "./headers.ts";
import { quote } from "./quote.ts";
import { refusalError } from "./refusal.ts";
import { inputTokensByBytes, inputTokensByTokenizer } from "./tokens.ts";

export interface Reserved {
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
  readonly at: number;
}

/** Only a call that does not fit by the bound that costs nothing is worth tokenising. */
export async function reserve(asking: Asking, gateway: Gateway): Promise<Reserved> {
  const roughly = quoteFor(asking, inputTokensByBytes(asking.call.body));
  const answer = await ask(asking, roughly, gateway);
  if (!mayFitCloser(answer)) return reserved(answer, roughly, asking, gateway);

  const inputTokens = await inputTokensByTokenizer(asking.call.body);
  if (inputTokens === null || inputTokens >= roughly.inputTokens) {
    return reserved(answer, roughly, asking, gateway);
  }
  const closely = quoteFor(asking, inputTokens);
  return reserved(await ask(asking, closely, gateway), closely, asking, gateway);
}

function quoteFor({ call, deployment, price }: Asking, inputTokens: number): Quote {
  return quote(call, price, inputTokens, deployment.config.outputTokensMax);
}

function ask(
  { call, caller, deployment, at }: Asking,
  quoted: Quote,
  gateway: Gateway,
): Promise<Outcome> {
  const { provider, id: deploymentId } = deployment.config;
  const command: Reserve = {
    kind: "reserve",
    id: call.id,
    at,
    instance: gateway.instance,
    customer: call.customer,
    key: { hash: caller.keyHash, revision: caller.key?.revision ?? null },
    facts: {
      route: call.route,
      model: call.model,
      provider,
      deployment: deploymentId,
      region: deployment.config.region,
      keyAlias: caller.key?.alias ?? null,
    },
    quote: quoted,
  };
  return gateway.ledger.reserve(command);
}

/** A refusal for money, while there is money left. */
function mayFitCloser(outcome: Outcome): boolean {
  if (outcome.kind !== "refused") return false;
  const { refusal } = outcome;
  const money = refusal.name === "budget_exceeded" || refusal.name === "headroom_held";
  return money && remaining(refusal.standing) > 0n;
}

function reserved(
  outcome: Outcome,
  quoted: Quote,
  { caller, at }: Asking,
  { budgets, metrics }: Gateway,
): Reserved {
  if (outcome.kind === "held") {
    const { hold, standing } = outcome;
    return { hold, standing, quote: quoted, hidesAmounts: hidesAmounts(caller, budgets) };
  }
  if (outcome.kind !== "refused") throw new Error(`a reserve was answered as ${outcome.kind}`);
  metrics.refused(outcome.refusal.name);
  throw refusalError(outcome.refusal, caller, budgets, at);
}
