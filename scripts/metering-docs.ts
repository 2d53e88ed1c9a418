/** Writes the worked examples of docs/metering.md from the golden table that the tests go by. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { formatUsd, nanoUsd } from "../src/money/amount.ts";
import type { Golden } from "../test/golden/golden.ts";
import { OPENAI } from "../test/golden/openai.ts";
import { OTHERS } from "../test/golden/others.ts";

export const METERING_FILE = fileURLToPath(new URL("../docs/metering.md", import.meta.url));

/** The page with its table made anew; the text around it stays. */
export async function renderMeteringDocs(page: string): Promise<string> {
  const filled = page.replace(
    /(<!-- table: golden -->)[^]*?(<!-- end -->)/,
    (_, begin: string, end: string) => `${begin}\n\n${table()}\n\n${end}`,
  );
  return format(filled, { ...(await resolveConfig(METERING_FILE)), parser: "markdown" });
}

function table(): string {
  const head = ["answer", "model", "parts", "prices", "dollars"];
  const rows = [...OPENAI, ...OTHERS].map(cellsOf);
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function cellsOf({ name, deployment, parts, prices, nano, events }: Golden): string[] {
  const shown = Object.entries(parts).map(([part, units]) => `${part} ${String(units)}`);
  return [
    events === undefined ? name : `${name} (streamed too)`,
    `\`${deployment.provider}/${deployment.model}\``,
    shown.join(", "),
    prices,
    formatUsd(nanoUsd(nano)),
  ];
}

if (import.meta.main) {
  writeFileSync(METERING_FILE, await renderMeteringDocs(readFileSync(METERING_FILE, "utf8")));
}
