/** Starts the mock upstream. It is also the first server of every table: what all others are compared with. */

import { join } from "node:path";
import { freePort, startProcess, type Server } from "./server.ts";

export async function startUpstream(dir: string): Promise<Server> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = await startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, "upstream.ts"), String(port)],
    cwd: dir,
    readyUrl: `${origin}/bench/ready`,
  });
  return {
    name: "direct to upstream",
    origin,
    headers: {},
    pid: child.pid,
    databasePid: null,
    stop: child.stop,
  };
}
