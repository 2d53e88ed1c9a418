/** Bodies of the kind that carry files: taken apart, and put together again with another model. */

import type { Json, JsonObject } from "../platform/json.ts";
import { textAt } from "./dialects/events.ts";
import { invalid } from "./dialects/fields.ts";

/** A file as far as a ceiling can tell. */
export interface Upload {
  readonly kind: "image" | "other";
  readonly bytes: number;
}

/** A form knows only text; these fields mean something else by it. */
const NUMBERS = new Set(["n"]);
const FLAGS = new Set(["stream"]);

/** Node's own parser, which is the one of undici. */
export async function readForm(bytes: Buffer, contentType: string): Promise<FormData> {
  try {
    const headers = { "content-type": contentType };
    return await new Response(new Uint8Array(bytes), { headers }).formData();
  } catch {
    throw invalid("The body is not a valid multipart form.");
  }
}

/** The text of a form by its names; `name[]` and repetitions make a list. */
export function fieldsOf(form: FormData): JsonObject {
  const fields = new Map<string, Json>();
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name).filter((value) => typeof value === "string");
    const [only] = values;
    if (only !== undefined) fields.set(name, values.length > 1 ? values : meant(name, only));
  }
  return Object.fromEntries(fields);
}

export function uploadsOf(form: FormData): readonly Upload[] {
  return [...form.values()].flatMap((value) => {
    if (typeof value === "string") return [];
    return [{ kind: value.type.startsWith("image/") ? "image" : "other", bytes: value.size }];
  });
}

/** The same form with these fields set; `undefined` takes one away. */
export async function writeForm(
  form: FormData,
  changes: JsonObject,
): Promise<{ readonly body: Buffer; readonly contentType: string }> {
  const changed = new FormData();
  for (const [name, value] of form) {
    if (Object.hasOwn(changes, name)) continue;
    if (typeof value === "string") changed.append(name, value);
    else changed.append(name, value, value.name);
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value !== undefined) changed.append(name, textAt(changes, name));
  }
  const encoded = new Response(changed);
  const contentType = encoded.headers.get("content-type") ?? "multipart/form-data";
  return { body: Buffer.from(await encoded.arrayBuffer()), contentType };
}

function meant(name: string, text: string): Json {
  if (NUMBERS.has(name) && /^\d{1,9}$/.test(text)) return Number(text);
  if (FLAGS.has(name) && /^(?:true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return text;
}
