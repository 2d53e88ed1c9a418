/** The bytes of an event that is not whole yet: they grow at their end, in time that is linear in their number. */

const EMPTY = Buffer.alloc(0);

export class Pending {
  #bytes = EMPTY;
  #length = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Copied, so that a few bytes do not keep the whole piece of the network that they came in. */
  add(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      // Room for as much again, or an event in very small pieces would be copied for each of them.
      const larger = Buffer.allocUnsafe(2 * length);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = length;
  }

  take(): Buffer {
    const taken = this.bytes;
    this.#bytes = EMPTY;
    this.#length = 0;
    return taken;
  }
}
