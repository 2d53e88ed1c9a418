/** A wait that somebody else can end. */

export class Bell {
  readonly #waiting = new Set<() => void>();
  #isRung = false;

  get isRung(): boolean {
    return this.#isRung;
  }

  /** Ends every wait, and those to come until it is silenced. */
  ring(): void {
    this.#isRung = true;
    for (const end of this.#waiting) end();
  }

  silence(): void {
    this.#isRung = false;
  }

  /** Until it rings, for at most `ms`. Nobody's exit is held up by a wait. */
  wait(ms: number): Promise<void> {
    if (this.#isRung) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms).unref();
      this.#waiting.add(end);
    });
  }
}
