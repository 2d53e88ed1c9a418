/** The delivery loop as the tests run it: on a clock of theirs, woken by them, stopped when they end. */

import type { TestContext } from "node:test";
import { createDelivery, type Delivery, type DeliveryOptions } from "../../src/events/outbox.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { createLog } from "../../src/platform/log.ts";

/** No test waits for the loop to look by itself, unless it says so. */
export const NEVER_MS = 600_000;

/** Longer than any lease. */
export const LEASE_END_MS = 60_000;

export class TestClock implements Clock {
  #now: number;

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

export function startLoop(
  t: TestContext,
  { url, ...options }: Pick<DeliveryOptions, "outbox"> & LoopOptions,
): Delivery {
  const delivery = createDelivery({
    webhook: { url, secret: null },
    clock: new TestClock(),
    random: () => 0,
    log: createLog("silent"),
    pollMs: NEVER_MS,
    stopMs: 0,
    ...options,
  });
  t.after(() => delivery.stop());
  return delivery;
}

type LoopOptions = Partial<DeliveryOptions> & { readonly url: string };
