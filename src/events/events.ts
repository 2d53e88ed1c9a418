/** The parts that tell of events, put together. */

import type { Config } from "../config/config.ts";
import { resolveByDns } from "./address.ts";
import { startDispatcher } from "./dispatcher.ts";
import { ownRecipients } from "./recipient.ts";
import { createSealer } from "./seal.ts";
import type { Telling } from "./telling.ts";
import { Webhooks } from "./webhooks.ts";

export interface Events {
  readonly webhooks: Webhooks;
  /** There is something new in the log. */
  wake(): void;
  stop(): Promise<void>;
}

type Surroundings = Pick<Telling, "outbox" | "instance" | "clock" | "random" | "log"> & {
  readonly newId: () => string;
};

/** Starts at once, in loops of its own. */
export function startEvents(
  { events, masterKey }: Pick<Config, "events" | "masterKey">,
  { newId, ...surroundings }: Surroundings,
): Events {
  const telling = {
    ...surroundings,
    own: ownRecipients(events),
    sealer: createSealer(masterKey),
    networksAllowed: events.networksAllowed,
    resolve: resolveByDns,
  };
  const dispatcher = startDispatcher(telling);
  return {
    webhooks: new Webhooks(telling, dispatcher, newId),
    wake: () => dispatcher.wake(),
    stop: () => dispatcher.stop(),
  };
}
