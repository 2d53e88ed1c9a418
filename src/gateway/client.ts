/** The near end of a call, as far as an answer needs it: Node's response, or one that is also written down. */

import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";

export interface Client {
  readonly destroyed: boolean;
  readonly headersSent: boolean;
  writeHead(status: number, headers: Readonly<Record<string, string | number>>): unknown;
  /** False where the client is slow: it then says `drain`. */
  write(chunk: Buffer | string): boolean;
  end(chunk?: Buffer | string): unknown;
  destroy(): unknown;
  once(event: "close" | "drain", listener: () => void): unknown;
  off(event: "close" | "drain", listener: () => void): unknown;
}

/** An answer that was written down. */
export interface WrittenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** Null where it was too long to keep. */
  readonly body: Buffer | null;
}

/** More than any text; an answer with pictures may be longer, and is then not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

/**
 * Writes down what the client is sent, and goes on when the client has left: whoever asks again shall find an answer.
 * The end waits for `flush`, so that the answer can be kept before the client has all of it.
 */
export class Recording extends EventEmitter implements Client {
  readonly #client: ServerResponse;
  readonly destroyed = false;
  headersSent = false;
  #status = 200;
  #headers: Readonly<Record<string, string | number>> = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  #last: Buffer = Buffer.alloc(0);

  constructor(client: ServerResponse) {
    super();
    this.#client = client;
  }

  get answer(): WrittenAnswer {
    const isTooLong = this.#bytes > KEPT_BYTES_MAX;
    const body = isTooLong ? null : Buffer.concat(this.#chunks);
    return { status: this.#status, headers: this.#headers, body };
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>>): void {
    this.#status = status;
    this.#headers = headers;
    this.headersSent = true;
    if (!this.#client.destroyed) this.#client.writeHead(status, headers);
  }

  write(chunk: Buffer | string): boolean {
    const bytes = this.#keep(chunk);
    if (this.#client.destroyed || this.#client.write(bytes)) return true;
    const drained = (): void => {
      this.#client.off("drain", drained);
      this.#client.off("close", drained);
      this.emit("drain");
    };
    this.#client.on("drain", drained);
    this.#client.on("close", drained);
    return false;
  }

  end(chunk: Buffer | string = ""): void {
    this.#last = this.#keep(chunk);
  }

  destroy(): void {
    this.#client.destroy();
  }

  flush(): void {
    if (!this.#client.destroyed) this.#client.end(this.#last);
  }

  #keep(chunk: Buffer | string): Buffer {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    this.#bytes += bytes.length;
    if (this.#bytes > KEPT_BYTES_MAX) this.#chunks = [];
    else this.#chunks.push(bytes);
    return bytes;
  }
}
