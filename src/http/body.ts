/** Admin bodies: checked against their schema, or refused with every faulty field named. */

import type { Static, TSchema } from "typebox";
import type { Validator } from "typebox/compile";
import { ApiError, type Fault } from "./errors.ts";

/** The value as the schema's type; else throws `unprocessable` in FastAPI's form, which LiteLLM's clients read. */
export function checked<S extends TSchema>(
  validator: Validator<Record<never, never>, S>,
  value: unknown,
  place: "body" | "query",
): Static<S> {
  if (validator.Check(value)) return value;
  const faults = validator.Errors(value).flatMap((error) => faultsOf(error, place));
  throw unprocessable([...new Map(faults.map((fault) => [fault.loc.join("/"), fault])).values()]);
}

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
