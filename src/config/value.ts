/** What a value may be: a parser takes it, or says what is wrong with it and what to write instead. */

import { parsePrice, parseUsd, type NanoUsd, type PicoUsd } from "../money/amount.ts";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import { nearest } from "./nearest.ts";

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** The problem is a sentence without its subject, the value: `is not a whole number`. */
  | { readonly ok: false; readonly problem: string; readonly cure: string };

export type Parse<T> = (value: Json) => Parsed<T>;

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Singular, with its article: `a number of seconds`. */
  readonly what: string;
  readonly example: number;
}

const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const MS_PER_SECOND = 1000;
const VALUE_CHARS_SHOWN = 48;

export function fit<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function misfit(problem: string, cure: string): Parsed<never> {
  return { ok: false, problem, cure };
}

export const parseText: Parse<string> = (value) => {
  if (typeof value !== "string") return misfit("is not a text", "put it in quotes");
  if (value.trim() === "") return misfit("is empty", "give it a value or remove it");
  return fit(value);
};

/** LiteLLM takes a number for an id as well. */
export const parseId: Parse<string> = (value) =>
  typeof value === "number" ? fit(String(value)) : parseText(value);

export const parseMapping: Parse<JsonObject> = (value) =>
  isObject(value) ? fit(value) : misfit("is not a mapping", "write its keys below it, indented");

export const parseList: Parse<readonly Json[]> = (value) =>
  isList(value)
    ? fit(value)
    : misfit("is not a list", "write it as [a, b] or as lines with dashes");

/** Dollars. */
export const parseAmount: Parse<NanoUsd> = (value) => {
  const amount =
    typeof value === "string" || typeof value === "number" ? parseUsd(value) : undefined;
  if (amount === undefined) return misfit("is not an amount of dollars", "write for example 12.5");
  if (amount < 0n) return misfit("is negative", "write 0 to let nothing through");
  if (amount === 0n && Number(value) !== 0) {
    return misfit("is less than a billionth of a dollar", "write 0 to let nothing through");
  }
  return fit(amount);
};

/** Dollars per unit. */
export const parseUnitPrice: Parse<PicoUsd> = (value) => {
  const price =
    typeof value === "string" || typeof value === "number" ? parsePrice(value) : undefined;
  if (price === undefined) {
    return misfit("is not a decimal number of dollars", "write for example 0.0000015");
  }
  if (price < 0n) return misfit("is negative", "write 0 for what is free");
  // A price that rounds to nothing would charge nothing, silently.
  if (price === 0n && Number(value) !== 0) {
    return misfit("is less than a trillionth of a dollar", "write 0 for what is free");
  }
  return fit(price);
};

export const parseHttpUrl: Parse<string> = (value) => {
  const text = typeof value === "string" ? value : "";
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? "")) return fit(text);
  return misfit("is not an http or https address", "write for example https://host.example/v1");
};

export function number(bounds: Bounds): Parse<number> {
  const { min, max, what, example } = bounds;
  return (value) => {
    const parsed = toNumber(value);
    if (parsed !== undefined && parsed >= min && parsed <= max) return fit(parsed);
    return misfit(`is not ${what} from ${min} to ${max}`, `write for example ${example}`);
  };
}

export function wholeNumber(bounds: Bounds): Parse<number> {
  const inBounds = number(bounds);
  return (value) => inBounds(Number.isInteger(toNumber(value)) ? value : null);
}

/** Seconds on the outside, whole milliseconds inside. */
export function seconds(bounds: Omit<Bounds, "what">): Parse<number> {
  const inBounds = number({ ...bounds, what: "a number of seconds" });
  return (value) => {
    const parsed = inBounds(value);
    return parsed.ok ? fit(Math.round(parsed.value * MS_PER_SECOND)) : parsed;
  };
}

/** Letter case does not matter, and a number may come as text, as it does from a variable. */
export function oneOf<const T extends string | number | boolean>(options: readonly T[]): Parse<T> {
  return (value) => {
    const text = isObject(value) || isList(value) ? "" : String(value).toLowerCase();
    const option = options.find((candidate) => String(candidate).toLowerCase() === text);
    if (option !== undefined) return fit(option);
    const near = nearest(
      text,
      options.filter((candidate) => typeof candidate === "string"),
    );
    const cure = near === undefined ? "write one of them" : `did you mean "${near}"?`;
    return misfit(`is not one of ${options.join(", ")}`, cure);
  };
}

export function listOf<T>(parse: Parse<T>): Parse<readonly T[]> {
  return (value) => {
    const list = parseList(value);
    if (!list.ok) return list;
    const items: T[] = [];
    for (const item of list.value) {
      const parsed = parse(item);
      if (!parsed.ok) return misfit(`holds ${show(item)}, which ${parsed.problem}`, parsed.cure);
      items.push(parsed.value);
    }
    return fit(items);
  };
}

/** The value as whoever wrote it would recognise it, in few characters. */
export function show(value: Json): string {
  if (isList(value)) return "the list";
  if (isObject(value)) return "the mapping";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > VALUE_CHARS_SHOWN ? `${text.slice(0, VALUE_CHARS_SHOWN)}…` : text;
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** A variable can only hold a text, so a text of digits is a number too. */
function toNumber(value: Json): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : undefined;
}
