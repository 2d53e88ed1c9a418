/** What a package fetches from its provider, counted: it gathers what comes until that makes sense, if ever. */

import { fetch as fetchWith, type Dispatcher } from "undici";
import type { Fetch } from "../../providers/packages.ts";
import { ANSWER_BYTES_MAX } from "../forward.ts";
import { EVENT_BYTES_MAX } from "../meter.ts";

export class Inflow {
  readonly #upstream: Dispatcher;
  readonly #isStream: boolean;
  readonly #overflow: () => void;
  #sent = false;
  #isAnswer = false;
  #gathered = 0;

  /** Calls `overflow` once there is more of an answer, or of one event of a stream, than there can be. */
  constructor(upstream: Dispatcher, isStream: boolean, overflow: () => void) {
    this.#upstream = upstream;
    this.#isStream = isStream;
    this.#overflow = overflow;
  }

  /** Whether the provider can have seen anything of the call. */
  get sent(): boolean {
    return this.#sent;
  }

  /** Bytes of an answer that was not understood. The beginning of an event is no answer, unless it has no end. */
  get received(): number {
    return this.#isAnswer && (!this.#isStream || this.#isFull) ? this.#gathered : 0;
  }

  /** Something was understood. */
  read(): void {
    this.#gathered = 0;
  }

  /** Through the pool that all calls share. The two types of `fetch` differ in name only. */
  readonly fetch: Fetch = async (address, init) => {
    this.#sent = true;
    const options = { ...init, dispatcher: this.#upstream };
    const asked = fetchWith as unknown as (address: unknown, init: unknown) => Promise<Response>;
    return this.#counted(await asked(address, options));
  };

  /** Of several that are fetched, to sign in first, the last one is the answer. */
  #counted(response: Response): Response {
    this.#gathered = 0;
    this.#isAnswer = response.ok;
    if (response.body === null) return response;
    const counting = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        this.#gathered += chunk.length;
        if (this.#isFull) this.#overflow();
        else controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(counting), response);
  }

  get #isFull(): boolean {
    return this.#gathered > (this.#isStream ? EVENT_BYTES_MAX : ANSWER_BYTES_MAX);
  }
}
