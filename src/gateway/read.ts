/** From bytes to a Call, or a clear refusal. */

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { firstHeader } from "../http/auth.ts";
import { ApiError } from "../http/errors.ts";
import { isObject, type JsonObject } from "../platform/json.ts";
import type { Call } from "./call.ts";
import { invalid } from "./dialects/fields.ts";
import { fieldsOf, readForm, uploadsOf } from "./form.ts";
import type { Route } from "./routes.ts";

/** Ten times what a deep tool schema needs; without a bound, writing the body out again would overflow the stack. */
const NESTING_MAX = 200;

const EMPTY = Buffer.alloc(0);

export type Body = Pick<Call, "body" | "form" | "uploads">;
type Understood = Omit<Call, "id" | "customer" | "route" | "query" | "passed">;

/** The whole body, or `body_too_large` as soon as that is known; the rest is then not read. */
export function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bytesMax) return Promise.reject(tooLarge(bytesMax));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.pause();
        reject(tooLarge(bytesMax));
      } else chunks.push(chunk);
    });
    request.on("end", () => {
      const [only = EMPTY] = chunks;
      resolve(chunks.length > 1 ? Buffer.concat(chunks) : only);
    });
    request.on("error", () => reject(invalid("The request body was cut off.")));
    request.on("close", () => {
      if (!request.readableEnded) reject(invalid("The request body was cut off."));
    });
  });
}

/** A form if it says so; else JSON, whatever it says. */
export async function readBody(bytes: Buffer, headers: IncomingHttpHeaders): Promise<Body> {
  const contentType = firstHeader(headers, "content-type") ?? "";
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    return { body: parse(bytes), form: null, uploads: [] };
  }
  const form = await readForm(bytes, contentType);
  return { body: fieldsOf(form), form, uploads: uploadsOf(form) };
}

/** `pathModel` is the model that the path names; it stands for the body's. */
export function understand(route: Route, read: Body, pathModel: string | undefined): Understood {
  if (!isWithinDepth(read.body, NESTING_MAX)) {
    throw invalid(`The body is nested more than ${String(NESTING_MAX)} levels deep.`);
  }
  const model = pathModel ?? read.body["model"] ?? route.modelDefault;
  if (typeof model !== "string" || model === "") {
    throw invalid("model must be a non-empty string.", "model");
  }
  return { ...read, model, ...route.dialect.read(read.body, read.uploads) };
}

function parse(bytes: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw invalid("The body is not valid JSON.");
  }
  if (!isObject(value)) throw invalid("The body must be a JSON object.");
  return value;
}

function isWithinDepth(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((child) => isWithinDepth(child, levels - 1));
}

function tooLarge(bytesMax: number): ApiError {
  return new ApiError("body_too_large", `The body is over ${String(bytesMax)} bytes.`, {
    headers: { connection: "close" },
  });
}
