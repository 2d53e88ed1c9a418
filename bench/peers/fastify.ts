/** Starts the bare Fastify + undici proxy. */

import { join } from "node:path";
import { freePort, startProcess, type Server } from "../server.ts";

export async function startFastify(dir: string, upstream: string): Promise<Server> {
  const port = await freePort();
  const child = await startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, "fastify-proxy.ts"), String(port), upstream],
    cwd: dir,
    readyUrl: `http://127.0.0.1:${port}/ready`,
  });
  return {
    name: "Fastify + undici, bare",
    origin: `http://127.0.0.1:${port}`,
    headers: {},
    pid: child.pid,
    databasePid: null,
    stop: child.stop,
  };
}
