/**
 * A loop that runs `step` one at a time: at once when it says there is more or somebody called `wake`, else after
 * `idleMs`. `step` must not throw.
 */
export class Wakeable {
  readonly #idleMs: number;
  readonly #step: () => Promise<boolean>;
  readonly #running: Promise<void>;
  #awake = false;
  #stopping = false;
  #resume: (() => void) | undefined;

  constructor(idleMs: number, step: () => Promise<boolean>) {
    this.#idleMs = idleMs;
    this.#step = step;
    this.#running = this.#run();
  }

  wake(): void {
    this.#awake = true;
    this.#resume?.();
  }

  /** Resolves when the step under way has ended; none follows. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    // A turn later, so that whoever creates the loop has finished creating itself.
    await Promise.resolve();
    while (!this.#stopping) {
      this.#awake = false;
      const more = await this.#step();
      if (!more) {
        await this.#idle();
      }
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#awake || this.#stopping) {
        resolve();
        return;
      }
      const timer = setTimeout(done, this.#idleMs);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.#resume = done;
    });
  }
}
