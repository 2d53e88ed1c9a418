/** Tells the terminal what the run is at: six silent minutes look like a hang. */

import { performance } from "node:perf_hooks";

export function announce(name: string): void {
  const seconds = Math.round(performance.now() / 1000);
  process.stderr.write(`${String(seconds).padStart(4)} s  ${name}\n`);
}
