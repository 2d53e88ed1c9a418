/** Which deployments fail too often, and are left alone for a while. Each instance learns it for itself. */

import type { RoutingConfig } from "../config/config.ts";

const MINUTE_MS = 60_000;

interface Record {
  /** Start of the minute that is counted. */
  since: number;
  failures: number;
  coolUntil: number;
}

export class Cooldowns {
  readonly #settings: Pick<RoutingConfig, "failuresAllowed" | "cooldownMs">;
  /** By the deployment's id; there are no more than are configured. */
  readonly #records = new Map<string, Record>();

  constructor(settings: Pick<RoutingConfig, "failuresAllowed" | "cooldownMs">) {
    this.#settings = settings;
  }

  /** Epoch milliseconds; in the past where the deployment is well. */
  coolUntil(deployment: string): number {
    return this.#records.get(deployment)?.coolUntil ?? 0;
  }

  failed(deployment: string, now: number): void {
    const record = this.#records.get(deployment) ?? { since: now, failures: 0, coolUntil: 0 };
    const isOver = now - record.since > MINUTE_MS;
    record.since = isOver ? now : record.since;
    record.failures = isOver ? 1 : record.failures + 1;
    this.#records.set(deployment, record);
    if (record.failures <= this.#settings.failuresAllowed) return;
    record.coolUntil = now + this.#settings.cooldownMs;
    record.failures = 0;
  }
}
