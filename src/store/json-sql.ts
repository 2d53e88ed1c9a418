/** How each database reads JSON: of a column, and of a parameter, so that a list of any length is one statement. */

import { sql, type RawBuilder } from "kysely";
import type { Flavour } from "./database.ts";

export interface JsonSql {
  readonly text: (column: string, member: string) => string;
  /** A table whose column `value` is each element of the array. */
  readonly elements: (column: string) => string;
}

export const JSON_SQL: Readonly<Record<Flavour, JsonSql>> = {
  sqlite: {
    text: (column, member) => `${column}->>'${member}'`,
    elements: (column) => `json_each(${column})`,
  },
  postgres: {
    text: (column, member) => `(${column}::json->>'${member}') collate "C"`,
    elements: (column) => `json_array_elements(${column}::json)`,
  },
};

/**
 * The table of JSON_SQL's `elements`, made of a list that is passed as one parameter: as text first, since the driver
 * would encode what it knows to be JSON once more.
 */
export function given(flavour: Flavour, list: readonly object[]): RawBuilder<unknown> {
  const text = JSON.stringify(list);
  return flavour === "sqlite"
    ? sql`json_each(${text}) as given`
    : sql`json_array_elements(${text}::text::json) as given`;
}

/** Whether the column has one of these values; either database looks each of them up in an index. */
export function among(
  flavour: Flavour,
  column: string,
  values: readonly string[],
): RawBuilder<unknown> {
  const text = JSON.stringify(values);
  return flavour === "sqlite"
    ? sql`${sql.raw(column)} in (select value from json_each(${text}))`
    : sql`${sql.raw(column)} = any(array(select json_array_elements_text(${text}::text::json)))`;
}
