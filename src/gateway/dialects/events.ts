/** Server-sent events as the meter needs them: what is in one, and how one is written. */

import { isObject, parseExact, type JsonObject } from "../../platform/json.ts";

/** The text after `data:`, of all lines together. */
export function payloadOf(event: Buffer): string {
  const lines = event.toString("utf8").split(/\r\n|\n|\r/);
  const data = lines.filter(isData);
  return data
    .map((line) => line.slice("data:".length).trimStart())
    .join("\n")
    .trim();
}

/** The object in an event; null if there is none. */
export function dataOf(event: Buffer): JsonObject | null {
  return objectOf(payloadOf(event));
}

/** Null if the text is not JSON, or no object. */
export function objectOf(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\n${dataEvent(data)}`;
}

/**
 * The event with more fields in the object that stands at this place of its data. All else stays as it came: the other
 * lines to the byte, numbers to the digit.
 */
export function withFields(event: Buffer, place: readonly string[], fields: Fields): Buffer {
  const data = JSON.stringify(within(parseExact(payloadOf(event)), place, fields));
  const lines = event.toString("utf8").split(/(?<=\n)/);
  const first = lines.findIndex(isData);
  const written = lines.map((line, index) => {
    if (!isData(line)) return line;
    return index === first ? `data: ${data}${/\r?\n?$/.exec(line)?.[0] ?? ""}` : "";
  });
  return Buffer.from(written.join(""));
}

type Fields = Readonly<Record<string, unknown>>;

function within(data: unknown, [field, ...inner]: readonly string[], fields: Fields): Fields {
  const given = isObject(data) ? data : {};
  if (field === undefined) return { ...given, ...fields };
  return { ...given, [field]: within(given[field], inner, fields) };
}

function isData(line: string): boolean {
  return line.startsWith("data:");
}

/** What stands in this field, if it is an object. */
export function objectAt(data: JsonObject | null, field: string): JsonObject | null {
  const value = data?.[field];
  return isObject(value) ? value : null;
}

/** The text in this field; a number counts as one, and anything else is empty. */
export function textAt(data: JsonObject | null | undefined, field: string): string {
  const value = data?.[field];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
