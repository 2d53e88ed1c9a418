/** The results of a run as Markdown: the goals first, then a table for each case. */

import { judge, type GoalResult } from "./goals.ts";
import type { CaseResult, Results } from "./results.ts";

export function markdown(results: Results): string {
  return [
    "# Benchmark",
    "",
    `${results.startedAt}, ${results.mode} run, ${Math.round(results.seconds)} s. ` +
      "Written by `npm run bench`; [README.md](../README.md) says how it is measured.",
    "",
    ...goalTable(judge(results)),
    ...absences(results),
    ...results.cases.flatMap(caseTable),
    "## Machine and versions",
    "",
    ...Object.entries({ ...results.machine, ...results.versions }).map(
      ([name, value]) => `- ${name}: ${value}`,
    ),
    "",
  ].join("\n");
}

function goalTable(goals: readonly GoalResult[]): readonly string[] {
  return [
    "## Goals",
    "",
    ...table(
      ["what", "goal", "measured", ""],
      goals.map((goal) => [goal.what, goal.goal, goal.measured, `**${goal.verdict}**`]),
    ),
  ];
}

function absences(results: Results): readonly string[] {
  if (results.absent.length === 0) return [];
  const lines = results.absent.map(({ server, reason }) => `- ${server}: ${oneLine(reason)}`);
  return ["Not measured in this run:", "", ...lines, ""];
}

function caseTable(result: CaseResult): readonly string[] {
  if (result.rows.length === 0) return [`## ${result.title}`, "", "Not measured.", ""];
  const columns = [...new Set(result.rows.flatMap((row) => Object.keys(row.values)))].filter(
    (column) => result.rows.some((row) => isFigure(row.values[column])),
  );
  const notes = result.rows
    .filter((row) => row.note !== undefined)
    .map((row) => `- ${row.server}: ${oneLine(row.note ?? "")}`);
  return [
    `## ${result.title}`,
    "",
    result.about,
    "",
    ...table(
      ["server", ...columns],
      result.rows.map((row) => [row.server, ...columns.map((name) => cell(row.values[name]))]),
    ),
    ...(notes.length === 0 ? [] : [...notes, ""]),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const rule = head.map((_, index) => (index === 0 ? "---" : "--:"));
  return [line(head), line(rule), ...rows.map(line), ""];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function isFigure(value: number | null | undefined): boolean {
  return value !== null && value !== undefined;
}

function cell(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toLocaleString("en-US", { maximumFractionDigits: 9 });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").slice(0, 300);
}
