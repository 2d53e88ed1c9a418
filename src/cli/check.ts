/** `purser check`: says whether a configuration would start, and what it would start with. Never prints a secret. */

import type { Config, DatabaseConfig, DeploymentConfig } from "../config/config.ts";
import { loadConfig, type ConfigSources } from "../config/load.ts";
import { formatMistakes } from "../config/mistake.ts";
import { formatUsd, nanoUsd, type PicoUsd } from "../money/amount.ts";

/** Pico-dollars per token are micro-dollars per million tokens: a thousand nano-dollars. */
const NANO_PER_MILLION_TOKENS = 1000n;

/** The exit code. */
export function runCheck(
  file: ConfigSources["file"],
  env: ConfigSources["env"],
  print: (text: string) => void,
): number {
  const loaded = loadConfig({ file, env, argv: { host: null, port: null } });
  const report = loaded.ok ? describe(loaded.config) : formatMistakes(loaded.mistakes);
  print(`${report}\n`);
  return loaded.ok ? 0 : 1;
}

function describe(config: Config): string {
  const ignored = config.ignored.map(({ path, reason }) => [path, reason]);
  return [
    "config: ok",
    `database: ${describeDatabase(config.database)}`,
    `webhook: ${hostOf(config.events.webhook)}`,
    `slack: ${hostOf(config.events.slack)}`,
    ...section("deployments", [
      ["model", "upstream", "input $/M", "output $/M", "id"],
      ...config.deployments.map(describeDeployment),
    ]),
    ...section("ignored", ignored),
    ...section(
      "warnings",
      config.warnings.map((warning) => [warning]),
    ),
  ].join("\n");
}

/** The rest of the address may be a secret. */
function hostOf(receiver: { readonly url: string } | null): string {
  return receiver === null ? "none" : new URL(receiver.url).host;
}

/** The address holds a password. */
function describeDatabase(database: DatabaseConfig): string {
  if (database.kind === "sqlite") return `sqlite ${database.file}`;
  const [, hosts = ""] = /^[^/]*\/\/(?:[^/]*@)?([^?]*)/.exec(database.url) ?? [];
  return `postgres ${hosts}`;
}

function describeDeployment({ id, modelName, provider, model, prices }: DeploymentConfig) {
  return [
    modelName,
    `${provider}/${model}`,
    perMillion(prices.input),
    perMillion(prices.output),
    id,
  ];
}

function perMillion(price: PicoUsd | null): string {
  return price === null ? "price list" : formatUsd(nanoUsd(price * NANO_PER_MILLION_TOKENS));
}

/** Nothing at all without rows. */
function section(title: string, rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   "),
  );
  return ["", title, ...lines.map((line) => `  ${line.trimEnd()}`)];
}
