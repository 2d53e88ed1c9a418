/** Starts the count-after reference. */

import { join } from "node:path";
import { freePort, startProcess, type Server } from "../server.ts";

export interface CountAfter extends Server {
  readonly readSpend: () => Promise<ReadonlyMap<string, bigint>>;
}

export async function startCountAfter(
  dir: string,
  upstream: string,
  limitNano: bigint,
): Promise<CountAfter> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const script = join(import.meta.dirname, "count-after-proxy.ts");
  const child = await startProcess({
    command: process.execPath,
    args: [script, String(port), upstream, String(limitNano)],
    cwd: dir,
    readyUrl: `${origin}/`,
  });
  return {
    name: "count-after (reference of ours)",
    origin,
    headers: {},
    pid: child.pid,
    databasePid: null,
    stop: child.stop,
    readSpend: async () => {
      const spent = (await (await fetch(`${origin}/`)).json()) as Record<string, number>;
      return new Map(Object.entries(spent).map(([id, nano]) => [id, BigInt(nano)]));
    },
  };
}
