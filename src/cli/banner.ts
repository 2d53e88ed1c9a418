/** The first lines that a start prints: where it listens, which key to use, and something to try. */

import type { Config } from "../config/config.ts";

export function banner(config: Config, demo: boolean): string {
  const address = `http://${shownHost(config.host)}:${String(config.port)}`;
  const key = demo ? config.masterKey : "<general_settings.master_key>";
  const model = config.deployments[0]?.modelName ?? "gpt-4o-mini";
  const keyLine = demo
    ? `Key:      ${config.masterKey}   (the demo's; set general_settings.master_key for a real one)`
    : "Key:      general_settings.master_key";
  return [
    `Purser listens on ${address}`,
    keyLine,
    `Database: ${databaseLine(config)}`,
    ...config.warnings.map((warning) => `Warning:  ${warning}`),
    ...config.ignored.map(({ path, reason }) => `Ignored:  ${path} (${reason})`),
    "",
    "Try:",
    `  curl ${address}/chat/completions \\`,
    `    -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\`,
    `    -d '{"model":"${model}","user":"ishaan3","messages":[{"role":"user","content":"hi"}]}'`,
    `  curl '${address}/customer/info?end_user_id=ishaan3' -H 'Authorization: Bearer ${key}'`,
    "",
    "",
  ].join("\n");
}

/** The address without its password. */
function databaseLine({ database }: Config): string {
  if (database.kind === "sqlite") return `sqlite:${database.file}`;
  const url = URL.parse(database.url);
  return url === null ? "postgres" : `postgres://${url.host}${url.pathname}`;
}

function shownHost(host: string): string {
  if (host === "127.0.0.1" || host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
