/** The one table of errors: every status above 299 that Purser itself answers, and the only writer of error bodies. */

import { LedgerUnavailable } from "../ledger/store.ts";

/** `status` may be replaced by configuration for `budget_exceeded`. `type` is what clients match on. */
export const ERRORS = {
  invalid_request: {
    status: 400,
    type: "invalid_request_error",
    about: "The body or a parameter is not what the route takes.",
    cure: "Correct what the message names.",
  },
  customer_blocked: {
    status: 400,
    type: "invalid_request_error",
    about: "The customer is blocked.",
    cure: "Unblock the customer.",
  },
  customer_required: {
    status: 400,
    type: "invalid_request_error",
    about: "The call names no customer, and its key must.",
    cure: "Name the customer: as `user` in the body, or in the header x-litellm-customer-id.",
  },
  customer_exists: {
    status: 400,
    type: "bad_request",
    about: "There is a customer of this id already; traffic creates customers too.",
    cure: "Use another id.",
  },
  model_budget_invalid: {
    status: 400,
    type: "bad_request",
    about: "An amount or a duration in model_max_budget cannot be read.",
    cure: "Correct what the message names.",
  },
  unpriced_model: {
    status: 400,
    type: "unpriced_model",
    about:
      "The model, or a search that the call offers, has no price, and the customer has a money limit.",
    cure: "Write its price, or unpriced_fallback; GET /prices/resolved shows what is known.",
  },
  authentication: {
    status: 401,
    type: "auth_error",
    about: "The key is missing, wrong, expired or blocked.",
    cure: "Send Authorization: Bearer <key>.",
  },
  customer_not_allowed: {
    status: 403,
    type: "customer_not_allowed",
    about: "The key may not name this customer.",
    cure: "Name a customer that the key may, or use another key.",
  },
  unknown_customer: {
    status: 403,
    type: "unknown_customer",
    about: "There is no such customer, and calls may not create one.",
    cure: "Create the customer first, with POST /customer/new.",
  },
  customer_model_denied: {
    status: 403,
    type: "customer_model_access_denied",
    about: "The model is not among those that the customer may use.",
    cure: "Ask for another model, or extend the customer's models.",
  },
  key_model_denied: {
    status: 403,
    type: "key_model_access_denied",
    about: "The model is not among those that the key may use.",
    cure: "Ask for another model, or extend the key's models.",
  },
  region_denied: {
    status: 403,
    type: "region_denied",
    about: "No deployment of the model is in the region that the customer is kept to.",
    cure: "Ask for a model with a deployment in that region, or set region_name on one.",
  },
  not_found: {
    status: 404,
    type: "not_found",
    about: "The thing that the request names does not exist.",
    cure: "Correct the id.",
  },
  model_not_found: {
    status: 404,
    type: "model_not_found",
    about: "No deployment in model_list has this model_name.",
    cure: "Ask for a configured model, or add a deployment.",
  },
  conflict: {
    status: 409,
    type: "conflict",
    about: "What the request asks for contradicts what is there.",
    cure: "Do what the message says.",
  },
  idempotency_conflict: {
    status: 409,
    type: "idempotency_error",
    about:
      "The Idempotency-Key belongs to a call with another body, or to one that is still in flight.",
    cure: "Use a new key for a new call; ask again after Retry-After seconds for one in flight.",
  },
  body_too_large: {
    status: 413,
    type: "invalid_request_error",
    about: "The request body is over the limit and was not read to its end.",
    cure: "Send less, or raise the limit.",
  },
  unprocessable: {
    status: 422,
    type: "invalid_request_error",
    about: "A field of an admin request has the wrong type or value.",
    cure: "Correct the field that detail[].loc names.",
  },
  budget_exceeded: {
    status: 429,
    type: "budget_exceeded",
    about: "What is left of the budget cannot pay for this call.",
    cure: "Wait for the next window or raise the budget. Do not retry before Retry-After.",
  },
  headroom_held: {
    status: 429,
    type: "headroom_held",
    about: "The budget is not spent, but calls in flight hold what is left of it.",
    cure: "Retry after Retry-After seconds.",
  },
  rate_limited: {
    status: 429,
    type: "throttling_error",
    about: "A limit on requests, tokens or concurrency is reached.",
    cure: "Retry after Retry-After seconds.",
  },
  internal: {
    status: 500,
    type: "server_error",
    about: "A failure that Purser has no name for.",
    cure: "Report it with the request id.",
  },
  unsupported_route: {
    status: 400,
    type: "invalid_request_error",
    about: "The model's provider does not speak what this route speaks.",
    cure: "Ask for the model on /v1/chat/completions, or for another model.",
  },
  upstream_error: {
    status: 502,
    type: "upstream_error",
    about: "The provider failed, refused the connection, or broke off.",
    cure: "Retry; if it lasts, look at the provider's status.",
  },
  receiver_failed: {
    status: 502,
    type: "receiver_failed",
    about: "The receiver of a test event did not take it.",
    cure: "Look at the receiver; the message says what it answered.",
  },
  ledger_unavailable: {
    status: 503,
    type: "ledger_unavailable",
    about: "The ledger cannot be reached, so nothing was forwarded.",
    cure: "Retry; service resumes by itself when the database is back.",
  },
  upstream_timeout: {
    status: 504,
    type: "upstream_timeout",
    about: "The provider did not answer within the deadline.",
    cure: "Retry, or raise the deadline.",
  },
} as const;

export type ErrorName = keyof typeof ERRORS;

export interface ErrorDetails {
  readonly status?: number;
  /** `param` of the OpenAI error body. */
  readonly param?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further fields of the error object, beside the four of OpenAI's. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** FastAPI's list of faulty fields, which LiteLLM's clients read: then it is the body. */
  readonly faults?: readonly Fault[];
  /** LiteLLM's other envelope: the message is `detail.error`. */
  readonly detail?: true;
}

/** One faulty field of an admin request. */
export interface Fault {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** Something that the client is told by name. Its message must hold no secret: it leaves the process. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly error: ErrorName;
  readonly details: ErrorDetails;

  constructor(error: ErrorName, message: string, details: ErrorDetails = {}) {
    super(message);
    this.error = error;
    this.details = details;
  }
}

export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A failure without a name becomes `internal`, and its text stays inside. */
export function errorResponse(error: unknown, requestId: string): ErrorResponse {
  const known = named(error, requestId);
  const status = known.details.status ?? ERRORS[known.error].status;
  return {
    status,
    headers: { "content-type": "application/json", ...known.details.headers },
    body: JSON.stringify(bodyOf(known, status)),
  };
}

function bodyOf(error: ApiError, status: number): unknown {
  const { faults, detail } = error.details;
  if (faults !== undefined) return { detail: faults };
  return detail === undefined ? errorBody(error, status) : { detail: { error: error.message } };
}

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** The OpenAI error object; `code` is always a string, as LiteLLM's clients expect. */
export function errorBody(error: ApiError, status: number): ErrorBody {
  return {
    error: {
      message: error.message,
      type: ERRORS[error.error].type,
      param: error.details.param ?? null,
      code: String(status),
      ...error.details.extra,
    },
  };
}

/** What a provider of another dialect said, in OpenAI's words for such a status. */
export function providerErrorBody(status: number, message: string): string {
  const type = PROVIDER_TYPES[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
  return JSON.stringify({ error: { message, type, param: null, code: String(status) } });
}

const PROVIDER_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

function named(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof LedgerUnavailable) {
    return new ApiError("ledger_unavailable", "The ledger cannot be reached. Nothing was done.", {
      headers: { "retry-after": "1" },
    });
  }
  return new ApiError("internal", `Internal error. Request id: ${requestId}`);
}
