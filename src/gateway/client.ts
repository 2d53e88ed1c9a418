/** The near end of a call, as far as an answer needs it: Node's response, or one that goes on without its client. */

import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";

export interface Client {
  readonly destroyed: boolean;
  readonly headersSent: boolean;
  writeHead(status: number, headers: WrittenAnswer["headers"]): unknown;
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

/** Goes on when the client has left, and then writes to nobody. */
class Enduring extends EventEmitter implements Client {
  readonly #client: ServerResponse;
  headersSent = false;

  constructor(client: ServerResponse) {
    super();
    this.#client = client;
  }

  get destroyed(): boolean {
    return this.#client.destroyed;
  }

  writeHead(status: number, headers: WrittenAnswer["headers"]): void {
    this.headersSent = true;
    if (!this.#client.destroyed) this.#client.writeHead(status, headers);
  }

  write(chunk: Buffer | string): boolean {
    if (this.#client.destroyed || this.#client.write(chunk)) return true;
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
    if (!this.#client.destroyed) this.#client.end(chunk);
  }

  destroy(): void {
    this.#client.destroy();
  }
}

/**
 * Does the work for a client whose leaving ends it only so much later: until then its answer is read on, for what the
 * provider counts. Null ends it at once.
 */
export async function lingering<T>(
  client: ServerResponse,
  lingerMs: number | null,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  if (lingerMs === null) return work(client);
  const near = new Enduring(client);
  let timer: NodeJS.Timeout | undefined;
  const leave = (): void => {
    timer = setTimeout(() => near.emit("close"), lingerMs);
  };
  client.once("close", leave);
  try {
    return await work(near);
  } finally {
    client.off("close", leave);
    clearTimeout(timer);
  }
}

/**
 * Writes down what the client is sent, and does not care whether it leaves: whoever asks again shall find an answer.
 * The end waits for `flush`, so that the answer can be kept before the client has all of it.
 */
export class Recording extends Enduring {
  #status = 200;
  #headers: WrittenAnswer["headers"] = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  #last: Buffer = Buffer.alloc(0);

  override get destroyed(): boolean {
    return false;
  }

  get answer(): WrittenAnswer {
    const isTooLong = this.#bytes > KEPT_BYTES_MAX;
    const body = isTooLong ? null : Buffer.concat(this.#chunks);
    return { status: this.#status, headers: this.#headers, body };
  }

  override writeHead(status: number, headers: WrittenAnswer["headers"]): void {
    this.#status = status;
    this.#headers = headers;
    super.writeHead(status, headers);
  }

  override write(chunk: Buffer | string): boolean {
    return super.write(this.#keep(chunk));
  }

  override end(chunk: Buffer | string = ""): void {
    this.#last = this.#keep(chunk);
  }

  flush(): void {
    super.end(this.#last);
  }

  #keep(chunk: Buffer | string): Buffer {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    this.#bytes += bytes.length;
    if (this.#bytes > KEPT_BYTES_MAX) this.#chunks = [];
    else this.#chunks.push(bytes);
    return bytes;
  }
}
