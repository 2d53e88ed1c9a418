/** Who is told of what: the operator's own addresses and the endpoints that were made through the API, as one thing. */

import type { EventsConfig } from "../config/config.ts";
import type { EventType, LedgerEvent } from "../ledger/event.ts";
import type { Endpoint, Numbered } from "../ledger/outbox.ts";
import { hasForm, type Form } from "./form.ts";
import type { Sealer } from "./seal.ts";

/** Ids of the operator's own, which no endpoint of the API can have. */
const WEBHOOK_ID = "webhook";
const SLACK_ID = "slack";

export interface Secret {
  readonly text: string;
  /** Signs no more from then on, epoch milliseconds; null for the current one. */
  readonly until: number | null;
}

export interface Recipient {
  readonly id: string;
  readonly url: string;
  readonly form: Form;
  /** Null for all that the form has a body for. */
  readonly types: ReadonlySet<EventType> | null;
  readonly customers: ReadonlySet<string> | null;
  readonly batch: boolean;
  /** Each signs. `unsigned` is the operator's choice; `lost`, secrets that the master key does not open. */
  readonly secrets: readonly Secret[] | "unsigned" | "lost";
  /** The operator's word is enough for the address. */
  readonly isTrusted: boolean;
  readonly afterSeq: bigint;
  /** Null for the operator's own, which are never given up. */
  readonly failing: { readonly since: number | null } | null;
}

export function ownRecipients({ webhook, slack }: EventsConfig): readonly Recipient[] {
  const own = { customers: null, batch: false, isTrusted: true, afterSeq: 0n, failing: null };
  const recipients: (Recipient | false)[] = [
    webhook !== null && {
      ...own,
      id: WEBHOOK_ID,
      url: webhook.url,
      types: new Set(webhook.types),
      form: { kind: "litellm", customerGroup: webhook.customerGroup },
      secrets: webhook.secret === null ? "unsigned" : [{ text: webhook.secret, until: null }],
    },
    slack !== null && {
      ...own,
      id: SLACK_ID,
      url: slack.url,
      types: new Set(slack.types),
      form: { kind: "slack" },
      secrets: "unsigned",
    },
  ];
  return recipients.filter((recipient) => recipient !== false);
}

export function recipientOf(endpoint: Endpoint, sealer: Sealer): Recipient {
  const { id, url, types, customers, batch, afterSeq, failingSince } = endpoint;
  const secrets = endpoint.secrets.flatMap(({ sealed, until }) => {
    const text = sealer.open(sealed, id);
    return text === null ? [] : [{ text, until }];
  });
  return {
    id,
    url,
    batch,
    afterSeq,
    form: { kind: "standard" },
    types: types === null ? null : new Set(types),
    customers: customers === null ? null : new Set(customers),
    secrets: secrets.length === 0 ? "lost" : secrets,
    isTrusted: false,
    failing: { since: failingSince },
  };
}

export function wants(recipient: Recipient, { seq, item }: Numbered<LedgerEvent>): boolean {
  const { afterSeq, types, customers, form } = recipient;
  return (
    seq > afterSeq &&
    hasForm(form, item.type) &&
    (types === null || types.has(item.type)) &&
    (customers === null || (item.customer !== null && customers.has(item.customer)))
  );
}
