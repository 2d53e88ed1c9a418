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
    if (validator.Check(value)) return { value };
    const faults = validator.Errors(value).flatMap((error) => faultsOf(error, place));
    const distinct = new Map(faults.map((fault) => [fault.loc.join("/"), fault]));
    return { error: unprocessable([...distinct.values()]) };
  };
};

export function unprocessable(faults: readonly Fault[]): ApiError {
  const message = faults.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
  return new ApiError("unprocessable", message, { faults });
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

function faultsOf(error: SchemaError, place: string): Fault[] {
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
    default:
      return [{ loc: [place, ...path], msg: error.message, type: `${error.keyword}_error` }];
  }
}

function namesIn(params: object, field: string): string[] {
  const names: unknown = Reflect.get(params, field);
  return Array.isArray(names) ? names.map(String) : [];
}
