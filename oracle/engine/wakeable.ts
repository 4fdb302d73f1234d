/** A step that takes long is not followed at once by the next: what it asks of others would never end. */
const LEAST_IDLE = 1 / 2;

/**
 * A loop that runs `step` one at a time: at once when it says there is more or somebody called `wake`, else every
 * `periodMs`, counted from the beginning of a step. `step` must not throw.
 */
export class Wakeable {
  readonly #periodMs: number;
  readonly #step: () => Promise<boolean>;
  readonly #running: Promise<void>;
  #awake = false;
  #stopping = false;
  #resume: (() => void) | undefined;

  constructor(periodMs: number, step: () => Promise<boolean>) {
    this.#periodMs = periodMs;
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
      const began = performance.now();
      const more = await this.#step();
      if (!more) {
        const left = this.#periodMs - (performance.now() - began);
        await this.#idle(Math.max(left, this.#periodMs * LEAST_IDLE));
      }
    }
  }

  #idle(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#awake || this.#stopping) {
        resolve();
        return;
      }
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.#resume = done;
    });
  }
}
