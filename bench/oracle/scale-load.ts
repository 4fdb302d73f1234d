/** Requests on several chains at once, so many of them always waiting. */

import { AnswerCount, createAsker, type Asker, type AskedStack } from "./load.ts";

/** Requests of one transaction. */
const PER_TRANSACTION = 50;
const TICK_MS = 100;
/** Milliseconds for what is under way when the asking ends: a job whose call failed waits up to a minute before it is tried again. */
const DRAIN_MS = 150_000;
/** Milliseconds: admissions, and compiling, on a machine that starts everything at once. */
const FIRST_ANSWERS_MS = 120_000;

class ChainLoad {
  readonly #asker: Asker;
  readonly #count: AnswerCount;
  #asked = 0;

  private constructor(asker: Asker, count: AnswerCount) {
    this.#asker = asker;
    this.#count = count;
  }

  static async start(chain: AskedStack, model: string): Promise<ChainLoad> {
    return new ChainLoad(await createAsker(chain, model), await AnswerCount.from(chain));
  }

  get answers(): number {
    return this.#count.distinct;
  }

  get open(): number {
    return this.#asked - this.#count.distinct;
  }

  get duplicated(): number {
    return this.#count.duplicated;
  }

  update(): Promise<void> {
    return this.#count.update();
  }

  async refill(outstanding: number): Promise<void> {
    await this.update();
    for (; this.open + PER_TRANSACTION <= outstanding; this.#asked += PER_TRANSACTION)
      await this.#asker.ask(PER_TRANSACTION);
  }
}

export class ScaleLoad {
  readonly #loads: readonly ChainLoad[];
  readonly #outstanding: number;

  private constructor(loads: readonly ChainLoad[], outstanding: number) {
    this.#loads = loads;
    this.#outstanding = outstanding;
  }

  /** @param outstanding requests of each chain that wait */
  static async start(chains: readonly AskedStack[], model: string, outstanding: number): Promise<ScaleLoad> {
    const loads = await Promise.all(chains.map((chain) => ChainLoad.start(chain, model)));
    return new ScaleLoad(loads, outstanding);
  }

  get answers(): number {
    return this.#sum(({ answers }) => answers);
  }

  get open(): number {
    return this.#sum(({ open }) => open);
  }

  get duplicated(): number {
    return this.#sum(({ duplicated }) => duplicated);
  }

  /** Asks until every chain has had an answer, and then for so long. */
  async warmUp(seconds: number): Promise<void> {
    const end = performance.now() + FIRST_ANSWERS_MS;
    while (this.#loads.some(({ answers }) => answers === 0)) {
      if (performance.now() > end) throw new Error("a chain had no answer");
      await this.#tick();
    }
    await this.keepAsking(seconds);
  }

  /** @returns what was answered meanwhile, and in how many seconds */
  async keepAsking(seconds: number): Promise<{ readonly answers: number; readonly seconds: number }> {
    const before = { answers: this.answers, time: performance.now() };
    while (performance.now() < before.time + seconds * 1_000) await this.#tick();
    return { answers: this.answers - before.answers, seconds: (performance.now() - before.time) / 1_000 };
  }

  /** Waits for what is under way, for as long as that may take. */
  async drain(): Promise<void> {
    const end = performance.now() + DRAIN_MS;
    while (this.open > 0 && performance.now() < end) {
      await Promise.all(this.#loads.map((load) => load.update()));
      await pause();
    }
  }

  async #tick(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.refill(this.#outstanding)));
    await pause();
  }

  #sum(of: (load: ChainLoad) => number): number {
    return this.#loads.reduce((total, load) => total + of(load), 0);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
