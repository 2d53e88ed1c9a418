/** JSON values as they come from outside. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

declare global {
  interface JSON {
    /** With the text of each primitive value (ES2026). */
    parse(text: string, reviver: (key: string, value: unknown, from: Source) => unknown): unknown;
    /** A value that `JSON.stringify` prints as the given JSON text (ES2026). */
    rawJSON(text: string): unknown;
  }
}

interface Source {
  readonly source: string;
}

/** For writing again what is not understood: a double would round a long number, and 1.0 would become 1. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === "number" ? JSON.rawJSON(source) : value,
  );
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
