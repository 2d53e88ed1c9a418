/** Writes the tables of docs/events.md from the table of events. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { hasForm } from "../src/events/form.ts";
import { wireName } from "../src/events/standard-body.ts";
import { EVENT_FIELDS, EVENT_KINDS, type EventField, type EventType } from "../src/ledger/event.ts";

export const EVENT_DOCS_FILE = join(import.meta.dirname, "../docs/events.md");

const UNITS = { usd: "dollars", metered: "dollars or a count", time: "a time", plain: "" } as const;

/** Each between its two comments. */
const TABLES: Readonly<Record<string, () => readonly (readonly string[])[]>> = {
  kinds: () => [
    ["`type`", "when", "LiteLLM, Slack", "`data`, besides `customer`"],
    ...Object.entries(EVENT_KINDS).map(([type, { when, carries }]) => {
      const fields: readonly EventField[] = carries;
      const names = fields.map((field) => `\`${wireName(field)}\``);
      return [`\`${type}\``, when, othersFor(type as EventType), names.join(", ")];
    }),
  ],
  fields: () => [
    ["field", "written in", "meaning"],
    ...Object.entries(EVENT_FIELDS).map(([field, { unit, about }]) => {
      return [`\`${wireName(field as EventField)}\``, UNITS[unit], about];
    }),
  ],
};

function othersFor(type: EventType): string {
  const litellm = hasForm({ kind: "litellm", customerGroup: "customer" }, type);
  const slack = hasForm({ kind: "slack" }, type);
  return [...(litellm ? ["LiteLLM"] : []), ...(slack ? ["Slack"] : [])].join(", ");
}

/** The page with its tables made anew; the text around them stays. */
export async function renderEventDocs(page: string): Promise<string> {
  const filled = page.replaceAll(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => `${begin}\n\n${tableNamed(name)}\n\n${end}`,
  );
  return format(filled, { ...(await resolveConfig(EVENT_DOCS_FILE)), parser: "markdown" });
}

function tableNamed(name: string): string {
  const [head = [], ...rows] = TABLES[name]?.() ?? [];
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

if (process.argv[1] === import.meta.filename) {
  const page = readFileSync(EVENT_DOCS_FILE, "utf8");
  writeFileSync(EVENT_DOCS_FILE, await renderEventDocs(page));
}
