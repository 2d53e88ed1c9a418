/**
 * Reads the usage out of a stream of server-sent events on its way to the client, without parsing it.
 *
 * Each piece is searched for two markers by native byte search; only an event that has one is parsed. What has been
 * read of the last events is held back as the tail, which leaves when the call is settled:
 *
 *   event without usage          → out, after whatever was held
 *   event with usage and choices → held until the next event shows whether it was the last
 *   event with usage alone       → kept from a client that did not ask for it, else held
 *   [DONE]                       → held
 */

import { isObject, type JsonObject } from "../platform/json.ts";
import { heard } from "./usage.ts";

/** Far over the largest event seen (a whole image as base64); beyond it the stream passes unread. */
const EVENT_BYTES_MAX = 16 * 1024 * 1024;

const EMPTY = Buffer.alloc(0);
const USAGE = Buffer.from('"usage"');
const DONE = Buffer.from("[DONE]");
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_N = 0x6e;

/** What was seen go by, for an estimate if the provider never says. */
export interface Produced {
  /** Data events; as a rule a token each. */
  readonly events: number;
  readonly bytes: number;
  /** Of the shortest event: about what an event has besides its text. */
  readonly eventBytesMin: number;
}

export class StreamMeter {
  readonly #keepsUsage: boolean;
  #pending: Buffer = EMPTY;
  #held: Buffer[] = [];
  #done: Buffer = EMPTY;
  #usage: JsonObject | null = null;
  #events = 0;
  #bytes = 0;
  #eventBytesMin = Number.MAX_SAFE_INTEGER;

  /** `keepsUsage`: the client did not ask for the usage chunk, so it is not shown one. */
  constructor(keepsUsage: boolean) {
    this.#keepsUsage = keepsUsage;
  }

  /** What the provider has told of usage so far. */
  get usage(): JsonObject | null {
    return this.#usage;
  }

  /** Data events so far. */
  get events(): number {
    return this.#events;
  }

  get produced(): Produced {
    return { events: this.#events, bytes: this.#bytes, eventBytesMin: this.#eventBytesMin };
  }

  /** Takes a piece of the stream and gives what may leave now: whole events only. */
  push(chunk: Buffer): Buffer {
    const data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const out: Buffer[] = [];
    const end = this.#scan(data, out);
    this.#pending = end === data.length ? EMPTY : data.subarray(end);
    if (this.#pending.length > EVENT_BYTES_MAX) {
      this.#emit(this.#pending, out);
      this.#pending = EMPTY;
    }
    const [only = EMPTY] = out;
    return out.length > 1 ? Buffer.concat(out) : only;
  }

  /** The stream has ended: what was held back, in two parts, so that something can be said before `[DONE]`. */
  finish(): { readonly tail: Buffer; readonly done: Buffer } {
    const out: Buffer[] = [];
    // A last event may lack its blank line.
    if (this.#pending.length > 0) {
      this.#count(this.#pending, 0, this.#pending.length);
      this.#event(this.#pending, out);
    }
    this.#pending = EMPTY;
    const tail = Buffer.concat([...out, ...this.#held]);
    this.#held = [];
    return { tail, done: this.#done };
  }

  /** Walks the whole events in `data`; gives the end of the last one. Runs of plain events leave as one piece. */
  #scan(data: Buffer, out: Buffer[]): number {
    let start = 0;
    let plainFrom = 0;
    let next = nextMarker(data, 0);
    for (let end = eventEnd(data, 0); end !== -1; end = eventEnd(data, start)) {
      this.#count(data, start, end);
      if (next < end) {
        this.#emit(data.subarray(plainFrom, start), out);
        this.#event(data.subarray(start, end), out);
        plainFrom = end;
        next = nextMarker(data, end);
      }
      start = end;
    }
    // As a rule a piece is whole plain events and leaves as it came.
    this.#emit(start - plainFrom === data.length ? data : data.subarray(plainFrom, start), out);
    return start;
  }

  #count(data: Buffer, start: number, end: number): void {
    if (data[start] === COLON) return; // A comment, which only keeps the connection alive.
    this.#events += 1;
    this.#bytes += end - start;
    if (end - start < this.#eventBytesMin) this.#eventBytesMin = end - start;
  }

  /** One event that has a marker in it. */
  #event(event: Buffer, out: Buffer[]): void {
    const payload = payloadOf(event);
    if (payload === "[DONE]") {
      this.#done = event;
      return;
    }
    const data = parsed(payload);
    if (data === null || !isObject(data["usage"])) {
      this.#emit(event, out);
      return;
    }
    this.#usage = heard(this.#usage, data);
    if (this.#keepsUsage && Array.isArray(data["choices"]) && data["choices"].length === 0) return;
    out.push(...this.#held);
    this.#held = [event];
  }

  /** What was held was not the last after all; it goes first. */
  #emit(bytes: Buffer, out: Buffer[]): void {
    if (bytes.length === 0) return;
    out.push(...this.#held, bytes);
    this.#held = [];
  }
}

/** Just behind the blank line that ends the event at `start`, or -1. No provider ends lines in CR alone. */
function eventEnd(data: Buffer, start: number): number {
  for (let at = data.indexOf(LF, start); at !== -1; at = data.indexOf(LF, at + 1)) {
    if (data[at + 1] === LF) return at + 2;
    if (data[at + 1] === CR && data[at + 2] === LF) return at + 3;
  }
  return -1;
}

/** Where the next `[DONE]` or the next usage that is more than `null` begins; Infinity if nowhere. */
function nextMarker(data: Buffer, from: number): number {
  const done = data.indexOf(DONE, from);
  return Math.min(nextUsage(data, from), done === -1 ? Number.POSITIVE_INFINITY : done);
}

/** Providers that were asked for usage send `"usage":null` in every event but the last: those need no parsing. */
function nextUsage(data: Buffer, from: number): number {
  for (let at = data.indexOf(USAGE, from); at !== -1; at = data.indexOf(USAGE, at + 1)) {
    let value = at + USAGE.length;
    while (data[value] === SPACE || data[value] === COLON) value += 1;
    if (data[value] !== LETTER_N) return at;
  }
  return Number.POSITIVE_INFINITY;
}

function payloadOf(event: Buffer): string {
  const lines = event.toString("utf8").split(/\r\n|\n|\r/);
  const data = lines.filter((line) => line.startsWith("data:"));
  return data
    .map((line) => line.slice("data:".length).trimStart())
    .join("\n")
    .trim();
}

function parsed(payload: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(payload);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
