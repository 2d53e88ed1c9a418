/** `purser check`: says whether a configuration would start, and what it would start with. Never prints a secret. */

import type { Config, DatabaseConfig, DeploymentConfig } from "../config/config.ts";
import { loadConfig, type ConfigSources } from "../config/load.ts";
import { formatMistakes } from "../config/mistake.ts";
import { createPriceBook } from "../prices/book.ts";
import { previewOf } from "../prices/preview.ts";

/** The exit code. `now` is the time whose prices are shown. */
export function runCheck(
  { file, env }: Pick<ConfigSources, "file" | "env">,
  now: number,
  print: (text: string) => void,
): number {
  const loaded = loadConfig({ file, env, argv: { host: null, port: null } });
  const report = loaded.ok ? describe(loaded.config, now) : formatMistakes(loaded.mistakes);
  print(`${report}\n`);
  return loaded.ok ? 0 : 1;
}

function describe(config: Config, now: number): string {
  const book = createPriceBook(config.deployments, config);
  const previews = config.deployments.map((deployment) => previewOf(deployment, book, now));
  const warnings = [...config.warnings, ...previews.flatMap((preview) => preview.warnings)];
  const ignored = config.ignored.map(({ path, reason }) => [path, reason]);
  return [
    "config: ok",
    `database: ${describeDatabase(config.database)}`,
    `webhook: ${hostOf(config.events.webhook)}`,
    `slack: ${hostOf(config.events.slack)}`,
    ...section("deployments", [
      ["model", "upstream", "id"],
      ...config.deployments.map(describeDeployment),
    ]),
    ...section("prices", [
      ["model", "from", "input $/M", "output $/M", "1000 in, 1000 out", "version"],
      ...previews.map(({ columns }) => columns),
    ]),
    ...section("ignored", ignored),
    ...section(
      "warnings",
      warnings.map((warning) => [warning]),
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

function describeDeployment({ id, modelName, provider, model }: DeploymentConfig) {
  return [modelName, `${provider}/${model}`, id];
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
