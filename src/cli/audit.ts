/** `purser audit`: recomputes every total from the postings and prints the drift, which is 0. */

import type { AuditReport } from "../ledger/store.ts";
import { formatUsd, nanoUsd } from "../money/amount.ts";

/** Drifts that are printed one by one; where there are more, the count says so. */
const DRIFTS_SHOWN_MAX = 50;

/** The report as text, and the process's exit code: 1 if any total has drifted. */
export function auditText(report: AuditReport): { readonly text: string; readonly code: 0 | 1 } {
  const { postings, charged, openHolds, counters, drifts } = report;
  const lines = [
    `postings    ${String(postings)}`,
    `charged     ${formatUsd(nanoUsd(charged))} USD`,
    `open holds  ${String(openHolds)}`,
    `counters    ${String(counters)}`,
    `drift       ${String(drifts.length)}`,
    ...drifts.slice(0, DRIFTS_SHOWN_MAX).map(({ total, name, stored, recomputed }) => {
      const figures = `stored ${String(stored)}, recomputed ${String(recomputed)}`;
      return `  ${total} ${name.replaceAll("\u0000", "/")}: ${figures}`;
    }),
  ];
  return { text: `${lines.join("\n")}\n`, code: drifts.length === 0 ? 0 : 1 };
}
