/** Arrays as PostgreSQL reads them: a whole column of rows goes out as one parameter. */

import type { SqlValue } from "../rows.ts";

export function arrayOf(values: readonly SqlValue[]): string {
  return `{${values.map(element).join(",")}}`;
}

function element(value: SqlValue): string {
  if (value === null) return "null";
  return typeof value === "string" ? `"${value.replace(/["\\]/g, "\\$&")}"` : String(value);
}
