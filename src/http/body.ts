/** Admin bodies: checked against their schema, or refused with every faulty field named. */

import type { FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Convert } from "typebox/value";
import { ApiError, type Fault } from "./errors.ts";

/**
 * Checks what a route's schema describes. What does not fit is `unprocessable` in FastAPI's form, which LiteLLM's
 * clients read. A query holds nothing but text, so there a number may be written as one.
 */
export const schemaCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const isBody = httpPart === "body";
  const place = isBody ? "body" : httpPart === "params" ? "path" : "query";
  return (given) => {
    const value: unknown = isBody ? given : Convert(schema, given);
    if (validator.Check(value)) {
      const garbled = garbledFields(value, place);
      return garbled.length === 0 ? { value } : { error: unprocessable(garbled) };
    }
    const errors = validator.Errors(value);
    const faults = errors.flatMap((error) => faultsOf(error, place, errors));
    const distinct = new Map(faults.map((fault) => [fault.loc.join("/"), fault]));
    return { error: unprocessable([...distinct.values()]) };
  };
};

/** Of a body that is wrong from end to end, the first faults are enough to tell. */
const FAULTS_SHOWN_MAX = 100;

export function unprocessable(all: readonly Fault[]): ApiError {
  const faults = all.slice(0, FAULTS_SHOWN_MAX);
  const message = faults.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
  return new ApiError("unprocessable", message, { faults });
}

/** The fields that hold a text no database can keep as it is: with a NUL, or with half of a character. */
function garbledFields(value: unknown, place: string): Fault[] {
  const msg = "Text must be free of NUL and be well-formed Unicode";
  return Object.entries(Object(value))
    .filter(([name, field]) => isGarbled([name, field]))
    .map(([name]) => ({ loc: [place, name], msg, type: "string_unicode" }));
}

/** No recursion: what a body holds can be nested deeper than a stack is. */
function isGarbled(value: unknown): boolean {
  const pending = [value];
  for (const next of pending) {
    if (typeof next === "string" && (next.includes("\u0000") || !next.isWellFormed())) return true;
    if (typeof next !== "object" || next === null) continue;
    for (const [name, inner] of Object.entries(next)) pending.push(name, inner);
  }
  return false;
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

function faultsOf(error: SchemaError, place: string, all: readonly SchemaError[]): Fault[] {
  const path = error.instancePath.split("/").slice(1);
  switch (error.keyword) {
    case "required":
      return namesIn(error.params, "requiredProperties").map((name) => ({
        loc: [place, ...path, name],
        msg: "Field required",
        type: "missing",
      }));
    case "additionalProperties":
      return namesIn(error.params, "additionalProperties").map((name) => ({
        loc: [place, ...path, name],
        msg: "There is no such field",
        type: "extra_forbidden",
      }));
    default: {
      const msg = wanted(error, all);
      const type = `${error.keyword}_error`;
      return msg === undefined ? [] : [{ loc: [place, ...path], msg, type }];
    }
  }
}

/** Of a choice all branches in one sentence, and nothing where a fault within one of them says more. */
function wanted(error: SchemaError, all: readonly SchemaError[]): string | undefined {
  const { instancePath: path, message } = error;
  const here = all.filter(({ instancePath }) => instancePath === path);
  if (here.every(({ keyword }) => keyword !== "anyOf")) return message;
  const isInner = ({ instancePath, keyword }: SchemaError): boolean =>
    instancePath.startsWith(`${path}/`) || (instancePath === path && INNER.has(keyword));
  if (all.some(isInner)) return undefined;
  const branches = here.filter(({ keyword }) => keyword !== "anyOf").map(branch);
  return `must be ${[...new Set(branches)].join(" or ")}`;
}

const INNER: ReadonlySet<string> = new Set(["required", "additionalProperties"]);

function branch({ keyword, params, message }: SchemaError): string {
  if (keyword !== "const") return message.replace(/^must be /, "");
  return `'${String(Reflect.get(params, "allowedValue"))}'`;
}

function namesIn(params: object, field: string): string[] {
  const names: unknown = Reflect.get(params, field);
  return Array.isArray(names) ? names.map(String) : [];
}
