/** Portkey's open-source gateway, from the npm registry in a folder of its own: a Node gateway without accounts. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startProcess, type Server } from "../server.ts";

export const PORTKEY_VERSION = "1.15.2";

/** Portkey's own lock file has this one; the newest 1.x, which npm would pick, breaks every stream of this version. */
const HTTP_SERVER_VERSION = "1.13.5";

const INSTALL_MS_MAX = 60_000;

export async function startPortkey(dir: string, upstream: string): Promise<Server> {
  const script = installPortkey();
  const port = await freePort();
  const child = await startProcess({
    command: process.execPath,
    args: [script, `--port=${port}`, "--headless"],
    cwd: dir,
    env: { NODE_ENV: "production", TRUSTED_CUSTOM_HOSTS: "127.0.0.1,localhost" },
    readyUrl: `http://127.0.0.1:${port}/`,
  });
  return {
    name: "Portkey",
    origin: `http://127.0.0.1:${port}`,
    headers: {
      "x-portkey-provider": "openai",
      "x-portkey-custom-host": `${upstream}/v1`,
      authorization: "Bearer sk-upstream",
    },
    pid: child.pid,
    databasePid: null,
    stop: child.stop,
  };
}

/** Kept between runs; throws where the registry cannot be reached. */
function installPortkey(): string {
  const home = join(tmpdir(), `purser-bench-portkey-${PORTKEY_VERSION}-${HTTP_SERVER_VERSION}`);
  const overrides = { "@hono/node-server": HTTP_SERVER_VERSION };
  const script = join(home, "node_modules/@portkey-ai/gateway/build/start-server.js");
  if (existsSync(script)) return script;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, overrides }));
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  try {
    execFileSync("npm", ["install", ...quiet, `@portkey-ai/gateway@${PORTKEY_VERSION}`], {
      cwd: home,
      stdio: "ignore",
      timeout: INSTALL_MS_MAX,
    });
  } catch (error) {
    throw new Error("not installed, and npm could not fetch it", { cause: error });
  }
  return script;
}
