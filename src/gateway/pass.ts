/** Calls that providers do not charge for: they pass without a hold. */

import type { Client } from "./client.ts";
import { idHeaders } from "../http/server.ts";
import { ZERO_USD } from "../money/amount.ts";
import { dataEvent } from "./dialects/events.ts";
import { finish } from "./finish.ts";
import type { Gateway } from "./gateway.ts";
import type { Asking, Reserved } from "./reserve.ts";
import { wayTo } from "./way.ts";

export async function passFree(asking: Asking, client: Client, gateway: Gateway): Promise<void> {
  const { call, deployment } = asking;
  const answer = await wayTo(deployment, call, gateway)(unheld(asking), client);
  const headers = idHeaders(call.id);
  const secret = deployment.config.apiKey;
  const untold = { charge: null, left: null, usageAt: null };
  finish(client, { answer, headers, ...untold, secret, errorEvent: dataEvent });
}

function unheld(asking: Asking): Reserved {
  const bounds = { ceiling: ZERO_USD, outputTokens: 0, bounded: false, markup: null };
  const hold = { id: asking.call.id, ...bounds };
  const nothing = { inputTokens: 0, outputTokens: 0, outputTokensMin: 0, choices: 1 };
  return {
    asking,
    hold,
    standing: null,
    quote: { ...nothing, price: null, markup: null },
    hidesAmounts: true,
  };
}
