/** The forms that an event is told in, and the body of each. */

import type { EventType, LedgerEvent } from "../ledger/event.ts";
import { litellmBody, litellmKind, type CustomerGroup } from "./litellm-body.ts";
import { slackBody } from "./slack-body.ts";
import { batchBody, standardBody } from "./standard-body.ts";

export type Form =
  /** LiteLLM's flat body. */
  | { readonly kind: "litellm"; readonly customerGroup: CustomerGroup }
  /** `{type, timestamp, data}`, as Standard Webhooks have it. */
  | { readonly kind: "standard" }
  /** A line of text. */
  | { readonly kind: "slack" };

export function hasForm(form: Form, type: EventType): boolean {
  switch (form.kind) {
    case "litellm":
      return litellmKind(type) !== undefined;
    case "standard":
      return true;
    case "slack":
      return type.startsWith("budget.") && type !== "budget.window_started";
  }
}

/** JSON text of the events of one message. Several are a batch, which only the standard form has. */
export function bodyOf(form: Form, events: readonly LedgerEvent[], isBatch: boolean): string {
  if (isBatch) return batchBody(events);
  const [event] = events;
  if (event === undefined) throw new Error("a message of no event");
  switch (form.kind) {
    case "litellm":
      return litellmBody(event, form.customerGroup);
    case "standard":
      return standardBody(event);
    case "slack":
      return slackBody(event);
  }
}
