/** What administrators do with endpoints and deliveries. Secrets are told to whoever makes them, and never again. */

import { randomBytes } from "node:crypto";
import type { LedgerEvent } from "../ledger/event.ts";
import type { Delivery, DeliveryFilter, Endpoint, Numbered } from "../ledger/outbox.ts";
import type { Outbox, Span } from "../ledger/outbox.ts";
import { isAllowedAddress, literalAddress } from "./address.ts";
import { closeChannel, deliver, openChannel, type Attempt, type Message } from "./deliver.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { deliveriesOf } from "./fan-out.ts";
import { bodyOf } from "./form.ts";
import { litellmTestBody } from "./litellm-body.ts";
import { recipientOf, type Recipient } from "./recipient.ts";
import { timingOf, type Telling } from "./telling.ts";

/** As many bytes as SHA-256 makes. */
const SECRET_BYTES = 32;

/** Events that a replay looks at in one go. */
const REPLAY_STEP = 250;

/** What an administrator says of an endpoint. */
export type EndpointWish = Pick<Endpoint, "url" | "description" | "types" | "customers" | "batch">;

/** Deliveries that are to begin again, under the ids that they had. */
export type Replay =
  | { readonly kind: "event"; readonly id: string }
  | { readonly kind: "span"; readonly span: Span }
  | { readonly kind: "failed" };

export class Webhooks {
  readonly #telling: Telling;
  readonly #outbox: Outbox;
  readonly #dispatcher: Pick<Dispatcher, "wakeRecipient">;
  readonly #newId: () => string;

  constructor(
    telling: Telling,
    dispatcher: Pick<Dispatcher, "wakeRecipient">,
    newId: () => string,
  ) {
    this.#telling = telling;
    this.#outbox = telling.outbox;
    this.#dispatcher = dispatcher;
    this.#newId = newId;
  }

  list(): Promise<readonly Endpoint[]> {
    return this.#outbox.endpoints.list();
  }

  find(id: string): Promise<Endpoint | undefined> {
    return this.#outbox.endpoints.find(id);
  }

  deliveries(filter: DeliveryFilter): Promise<readonly Delivery[]> {
    return this.#outbox.deliveries.list(filter);
  }

  /** What is wrong with an address, as far as its text tells; the rest shows when something is sent there. */
  urlFault(text: string): string | null {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) return "is not an http or https address";
    if (url.username !== "" || url.password !== "") return "holds credentials";
    const literal = literalAddress(url);
    const { networksAllowed } = this.#telling;
    if (literal === null || isAllowedAddress(literal, networksAllowed)) return null;
    return "is not an address of the open Internet, nor one of webhook_networks";
  }

  async add(wish: EndpointWish, given: string | null): Promise<{ id: string; secret: string }> {
    const id = `ep_${this.#newId()}`;
    const secret = given ?? newSecret();
    const secrets = [{ sealed: this.#telling.sealer.seal(secret, id), until: null }];
    const fresh = { disabledAt: null, disabledBecause: null, failingSince: null };
    const createdAt = this.#telling.clock.now();
    await this.#outbox.endpoints.add({ id, ...wish, secrets, createdAt, ...fresh });
    this.#dispatcher.wakeRecipient(id);
    return { id, secret };
  }

  /** False if there is none. One that is enabled again goes on with what waits, and with a clean record. */
  async change(
    id: string,
    { isDisabled, ...wish }: Partial<EndpointWish> & { readonly isDisabled?: boolean },
  ): Promise<boolean> {
    const enabled = { disabledAt: null, disabledBecause: null, failingSince: null };
    const now = this.#telling.clock.now();
    const disabled = { disabledAt: now, disabledBecause: "by an administrator" };
    const state = isDisabled === undefined ? {} : isDisabled ? disabled : enabled;
    const change = { ...wish, ...state };
    if (Object.keys(change).length === 0) return (await this.find(id)) !== undefined;
    const isChanged = await this.#outbox.endpoints.change(id, change);
    this.#dispatcher.wakeRecipient(id);
    return isChanged;
  }

  async remove(id: string): Promise<boolean> {
    const isRemoved = await this.#outbox.endpoints.remove(id);
    this.#dispatcher.wakeRecipient(id);
    let forgotten = isRemoved ? 1 : 0;
    // What the fan-out may still be adding goes with its time.
    while (forgotten > 0) forgotten = await this.#outbox.deliveries.forget(id);
    return isRemoved;
  }

  /** The new secret; undefined if there is no such endpoint. The old one signs as well for a while. */
  async rotate(id: string, overlapMs: number, given: string | null): Promise<string | undefined> {
    const endpoint = await this.find(id);
    if (endpoint === undefined) return undefined;
    const now = this.#telling.clock.now();
    const secret = given ?? newSecret();
    const former = endpoint.secrets
      .filter(({ until }) => until === null || until > now)
      .map(({ sealed, until }) => ({
        sealed,
        until: Math.min(until ?? Infinity, now + overlapMs),
      }));
    const current = { sealed: this.#telling.sealer.seal(secret, id), until: null };
    await this.#outbox.endpoints.change(id, { secrets: [current, ...former] });
    this.#dispatcher.wakeRecipient(id);
    return secret;
  }

  /** How many deliveries begin again; undefined if there is nobody of this id. */
  async replay(id: string, replay: Replay): Promise<number | undefined> {
    const recipient = await this.#recipient(id);
    if (recipient === undefined) return undefined;
    const count = await this.#restart(recipient, replay);
    this.#dispatcher.wakeRecipient(id);
    return count;
  }

  /** One attempt, at once; undefined if there is nobody of this id. */
  async test(id: string): Promise<Attempt | undefined> {
    const recipient = await this.#recipient(id);
    if (recipient === undefined) return undefined;
    const { clock, networksAllowed, resolve } = this.#telling;
    const { attemptMs: timeoutMs } = timingOf(this.#telling);
    const bounds = { timeoutMs, connectionsMax: 1, networksAllowed, resolve };
    const channel = openChannel(recipient, bounds);
    try {
      return await deliver(testMessage(recipient, `evt_${this.#newId()}`, clock.now()), channel);
    } finally {
      await closeChannel(channel);
    }
  }

  async #recipient(id: string): Promise<Recipient | undefined> {
    const own = this.#telling.own.find((recipient) => recipient.id === id);
    if (own !== undefined) return own;
    const endpoint = await this.find(id);
    return endpoint === undefined ? undefined : recipientOf(endpoint, this.#telling.sealer);
  }

  async #restart(recipient: Recipient, replay: Replay): Promise<number> {
    if (replay.kind === "span") return this.#restartSpan(recipient, replay.span);
    if (replay.kind === "failed") return this.#restartFailed(recipient.id);
    const event = await this.#outbox.events.find(replay.id);
    if (event === undefined || event.seq <= recipient.afterSeq) return 0;
    return this.#restartEvents([event], recipient);
  }

  async #restartFailed(id: string): Promise<number> {
    let count = 0;
    for (;;) {
      const some = await this.#outbox.deliveries.restartFailed(id, this.#telling.clock.now());
      if (some === 0) return count;
      count += some;
    }
  }

  /** Also what was never sent: because the endpoint was disabled, or did not want such events then. */
  async #restartSpan(recipient: Recipient, span: Span): Promise<number> {
    let after = recipient.afterSeq;
    let count = 0;
    for (;;) {
      const events = await this.#outbox.events.between(span, after, REPLAY_STEP);
      const last = events.at(-1);
      if (last === undefined) return count;
      count += await this.#restartEvents(events, recipient);
      after = last.seq;
    }
  }

  /** Answers for how many of them the endpoint is one to be told. */
  async #restartEvents(
    events: readonly Numbered<LedgerEvent>[],
    recipient: Recipient,
  ): Promise<number> {
    const times = { now: this.#telling.clock.now(), batchMs: 1 };
    const deliveries = deliveriesOf(events, [recipient], times);
    await this.#outbox.deliveries.add(deliveries, "restart");
    return deliveries.length;
  }
}

function testMessage({ id, form, secrets }: Recipient, eventId: string, at: number): Message {
  const data = { endpoint: id };
  const event: LedgerEvent = { id: eventId, type: "endpoint.tested", at, customer: null, data };
  const body =
    form.kind === "litellm"
      ? litellmTestBody()
      : form.kind === "slack"
        ? JSON.stringify({ text: "A test message from Purser." })
        : bodyOf(form, [event], false);
  return { id: eventId, at, body, secrets };
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
}
