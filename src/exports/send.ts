/** One charge, told to a billing system once more or less. */

import type { Dispatcher } from "undici";
import type { ExportConfig } from "../config/config.ts";
import type { Charge } from "./charge.ts";
import { TARGETS } from "./target.ts";

/** An error is read for what it says; nobody needs more of it. */
const ANSWER_CHARS_MAX = 2_000;

/** The receiver is at fault or asks for patience, and the same request may be taken later. */
const PASSING = new Set([401, 403, 404, 408, 409, 423, 425, 429]);

export interface Way {
  readonly dispatcher: Dispatcher;
  readonly timeoutMs: number;
}

export type Sent =
  | { readonly kind: "taken" }
  /** By this very charge, however often it is tried. */
  | { readonly kind: "rejected"; readonly status: number; readonly error: string }
  | { readonly kind: "failed"; readonly error: string };

/** Never rejects. An event that was there already has been taken. */
export async function send(
  charge: Charge,
  config: ExportConfig,
  { dispatcher, timeoutMs }: Way,
): Promise<Sent> {
  const { requestFor, isDuplicate } = TARGETS[config.to];
  const { path, headers, body } = requestFor(charge, config);
  const url = new URL(config.apiBase);
  try {
    const response = await dispatcher.request({
      origin: url.origin,
      path: `${url.pathname.replace(/\/$/, "")}${path}`,
      method: "POST",
      headers,
      body,
      // For the whole attempt.
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = (await response.body.text()).slice(0, ANSWER_CHARS_MAX);
    const { statusCode: status } = response;
    const isTaken = (status >= 200 && status <= 299) || isDuplicate(status, answer);
    if (isTaken) return { kind: "taken" };
    const isFinal = status >= 400 && status <= 499 && !PASSING.has(status);
    if (isFinal) return { kind: "rejected", status, error: answer };
    return { kind: "failed", error: `it answered ${String(status)}` };
  } catch (error) {
    return { kind: "failed", error: `no answer: ${nameOf(error)}` };
  }
}

/** `ECONNREFUSED`, `TimeoutError`, … */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
