/**
 * Reads the usage out of a stream of server-sent events on its way to the client, all but unparsed.
 *
 * Each piece is searched for a few markers by native byte search; only an event that has one is looked at. What has
 * been read of the last events is held back as the tail, which leaves when the call is settled:
 *
 *   event without usage          → out, after whatever was held
 *   event with usage so far      → out; of those that are outdone by the next, the last is remembered
 *   event with the final usage   → held until the next event shows whether it was the last
 *   event with usage alone       → kept from a client that did not ask for it, else held
 *   the stream's own full stop   → held
 */

import type { JsonObject } from "../platform/json.ts";
import type { EventKind, StreamShape } from "./dialects/dialect.ts";
import { dataOf } from "./dialects/events.ts";
import { Pending } from "./pending.ts";
import { heard, tellsUsage } from "./usage.ts";

/** Far over the largest event seen (a whole image as base64); beyond it the stream passes unread. */
export const EVENT_BYTES_MAX = 16 * 1024 * 1024;

/** A blank line may begin as much before its end: `\n\r\n`. */
const SEAM_BYTES = 2;

/** What the model produced is in none of these, however short or long they are. */
const WORDLESS: ReadonlySet<EventKind> = new Set<EventKind>(["done", "error", "usage"]);

const EMPTY: Buffer = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_N = 0x6e;

/** What was seen go by, for an estimate if the provider never says. */
export interface Produced {
  /** Events with text; as a rule a token each. */
  readonly events: number;
  readonly bytes: number;
  /** Of the shortest event: about what an event has besides its text. */
  readonly eventBytesMin: number;
}

/** What waits for the posting, apart so that it can be told what the posting says. */
export interface Ends {
  readonly tail: Buffer;
  /** The last event, if it tells the usage of the whole; else empty. */
  readonly usage: Buffer;
  /** The stream's own full stop; empty if it has none. */
  readonly done: Buffer;
}

export class StreamMeter {
  readonly #shape: StreamShape;
  readonly #keepsUsage: boolean;
  readonly #pending = new Pending();
  /** An event with usage that may be the last one. */
  #held = EMPTY;
  #done: Buffer = EMPTY;
  #told: JsonObject | null = null;
  /** The last event with usage so far. Most are outdone by the next one, so it is not parsed before it has to be. */
  #latest: Buffer | null = null;
  #events = 0;
  #bytes = 0;
  #eventBytesMin = Number.MAX_SAFE_INTEGER;
  /** All events, with text or without. */
  #seen = 0;
  #counted = 0;

  /** `keepsUsage`: the client did not ask for the usage chunk, so it is not shown one. */
  constructor(shape: StreamShape, keepsUsage: boolean) {
    this.#shape = shape;
    this.#keepsUsage = keepsUsage;
  }

  /** What the provider has told so far, for `usageOf`. */
  get told(): JsonObject | null {
    const data = this.#latest === null ? null : dataOf(this.#latest);
    return data === null ? this.#told : heard(this.#told, data);
  }

  /** Events so far, of any kind, or the tokens that the provider has counted so far, whichever is more. */
  get length(): number {
    return Math.max(this.#seen, this.#counted);
  }

  /** The event that waited to be the last one. */
  get held(): Buffer {
    return this.#held;
  }

  get produced(): Produced {
    // Where every event counts, one of them is the opening; where only text does, there is none to take off.
    const opening = this.#shape.text === null || this.#events === 0 ? 0 : 1;
    const eventBytesMin = this.#eventBytesMin;
    const bytes = this.#bytes + opening * eventBytesMin;
    return { events: this.#events + opening, bytes, eventBytesMin };
  }

  /** Takes a piece of the stream and gives what may leave now: whole events only. */
  push(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    const pending = this.#pending;
    const data = pending.length === 0 ? chunk : this.#completed(chunk);
    const end = this.#scan(data, out);
    if (end < data.length) pending.add(data.subarray(end));
    if (pending.length > EVENT_BYTES_MAX) this.#pass(pending.take(), out);
    const [only = EMPTY] = out;
    return out.length > 1 ? Buffer.concat(out) : only;
  }

  /** The stream has ended: what was held back. */
  finish(): Ends {
    const out: Buffer[] = [];
    const last = this.#pending.take();
    // A last event may lack its blank line.
    if (last.length > 0) this.#event(last, out);
    const usage = this.#held;
    this.#held = EMPTY;
    return { tail: Buffer.concat(out), usage, done: this.#done };
  }

  /** What is pending, if this piece has the end of it; only the seam and the piece itself are searched for that. */
  #completed(chunk: Buffer): Buffer {
    const seam = Math.max(0, this.#pending.length - SEAM_BYTES);
    this.#pending.add(chunk);
    return eventEnd(this.#pending.bytes, seam) === -1 ? EMPTY : this.#pending.take();
  }

  /** Too long to be an event: it leaves unread, but counts as one. */
  #pass(bytes: Buffer, out: Buffer[]): void {
    this.#count(bytes, 0, bytes.length);
    this.#emit(bytes, out);
  }

  /** Walks the whole events in `data`; gives the end of the last one. Runs of plain events leave as one piece. */
  #scan(data: Buffer, out: Buffer[]): number {
    let start = 0;
    let plainFrom = 0;
    const marked = new Marked(data, this.#shape.markers);
    for (let end = eventEnd(data, 0); end !== -1; end = eventEnd(data, start)) {
      if (marked.next >= end) this.#count(data, start, end);
      else {
        this.#emit(data.subarray(plainFrom, start), out);
        this.#event(data.subarray(start, end), out);
        plainFrom = end;
        marked.passed(end);
      }
      start = end;
    }
    // As a rule a piece is whole plain events and leaves as it came.
    this.#emit(start - plainFrom === data.length ? data : data.subarray(plainFrom, start), out);
    return start;
  }

  #count(data: Buffer, start: number, end: number): void {
    if (data[start] === COLON) return; // A comment, which only keeps the connection alive.
    this.#seen += 1;
    const { text } = this.#shape;
    if (text !== null && !data.subarray(start, end).includes(text)) return;
    this.#events += 1;
    this.#bytes += end - start;
    if (end - start < this.#eventBytesMin) this.#eventBytesMin = end - start;
  }

  /** One event that has a marker in it. */
  #event(event: Buffer, out: Buffer[]): void {
    const kind = this.#shape.kindOf(event);
    if (WORDLESS.has(kind)) this.#seen += 1;
    else this.#count(event, 0, event.length);
    if (kind === "running") this.#latest = event;
    if (kind === "told" || kind === "final" || kind === "usage") this.#hear(event);
    this.#counted = this.#shape.countedIn?.(event) ?? this.#counted;
    if (kind === "done") {
      // It was not the last after all.
      this.#emit(this.#done, out);
      this.#done = event;
    } else if (kind === "usage" || kind === "final") {
      if (kind === "usage" && this.#keepsUsage) return;
      this.#letGo(out);
      this.#held = event;
    } else {
      if (kind === "error") this.#hearError(event);
      this.#emit(event, out);
    }
  }

  #hear(event: Buffer): void {
    const data = dataOf(event);
    if (data === null) return;
    this.#told = heard(this.#told, data);
    this.#latest = null;
  }

  /** It may tell what it is billed at; what was told before stays. */
  #hearError(event: Buffer): void {
    const data = dataOf(event);
    if (data === null || !tellsUsage(data)) return;
    this.#told = heard(this.told, data);
    this.#latest = null;
  }

  #emit(bytes: Buffer, out: Buffer[]): void {
    if (bytes.length === 0) return;
    this.#letGo(out);
    out.push(bytes);
  }

  /** What was held was not the last after all; it goes first. */
  #letGo(out: Buffer[]): void {
    if (this.#held.length > 0) out.push(this.#held);
    this.#held = EMPTY;
  }
}

/** Where in a piece the markers are that are worth a look. */
class Marked {
  readonly #data: Buffer;
  readonly #markers: readonly Buffer[];
  /** Of each marker the next place, Infinity if there is none: what is not there is not searched for again. */
  readonly #places: number[];
  /** The first of them. */
  next: number;

  constructor(data: Buffer, markers: readonly Buffer[]) {
    this.#data = data;
    this.#markers = markers;
    this.#places = markers.map((marker) => nextSet(data, marker, 0));
    this.next = Math.min(...this.#places);
  }

  /** All before this has been looked at. */
  passed(end: number): void {
    for (const [index, marker] of this.#markers.entries()) {
      const place = this.#places[index] ?? end;
      if (place < end) this.#places[index] = nextSet(this.#data, marker, end);
    }
    this.next = Math.min(...this.#places);
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

/** Providers that were asked for usage send `"usage":null` in every event but the last: those need no parsing. */
function nextSet(data: Buffer, marker: Buffer, from: number): number {
  for (let at = data.indexOf(marker, from); at !== -1; at = data.indexOf(marker, at + 1)) {
    let value = at + marker.length;
    while (data[value] === SPACE || data[value] === COLON) value += 1;
    if (data[value] !== LETTER_N) return at;
  }
  return Number.POSITIVE_INFINITY;
}
