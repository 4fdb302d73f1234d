import type { Node } from "./node.ts";
import type { Random } from "./random.ts";

/** Work is asked for while a node is to die: what is not reached by then is not reached at all. */
const PATIENCE_MS = 30_000;
/** A reorg that comes while nobody reads is no walk-back. */
const REORG_EVERY_MS = 6_000;
const ROLLED_BACK = "rolled-back";
/** A node dies in the middle of the work, not always at its beginning. */
const LAST_OCCURRENCE = 2;

/** Kills nodes as they reach the steps, one after the other, until each step was hit and there were kills enough. */
export class Killer {
  readonly #nodes: readonly Node[];
  readonly #random: Random;
  readonly #steps: readonly string[];
  readonly #hits = new Map<string, number>();
  readonly planned: number;
  #queue: string[];
  #total = 0;
  #retries = 0;

  constructor(nodes: readonly Node[], steps: readonly string[], kills: number, random: Random) {
    this.#nodes = nodes;
    this.#random = random;
    this.#steps = steps;
    this.planned = Math.max(kills, steps.length);
    this.#queue = Array.from({ length: this.planned }, (_, index) => steps[index % steps.length]!);
  }

  get remaining(): number {
    return this.#queue.length;
  }

  get total(): number {
    return this.#total;
  }

  get hits(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#hits].sort(([a], [b]) => a.localeCompare(b)));
  }

  get missed(): string[] {
    return this.#steps.filter((step) => !this.#hits.has(step));
  }

  /**
   * Kills the first node that reaches the next step of the plan, or any node where none does, and starts it again.
   *
   * @param reorg makes the chain reorganise, for the step that waits for it
   * @returns what happened, in words
   */
  async next(reorg: () => Promise<void>): Promise<string> {
    const step = this.#queue.shift() ?? "";
    const rare = step === ROLLED_BACK || step === "final";
    const occurrence = rare ? 1 : this.#random.between(1, LAST_OCCURRENCE);
    const provoking = step === ROLLED_BACK ? setInterval(() => void reorg(), REORG_EVERY_MS) : undefined;
    if (step === ROLLED_BACK) await reorg();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<undefined>(
      (resolve) => (timer = setTimeout(resolve, PATIENCE_MS, undefined)),
    );
    const victim = await Promise.race([...this.#nodes.map((node) => node.dieAt(step, occurrence)), patience]);
    clearTimeout(timer);
    clearInterval(provoking);
    for (const node of this.#nodes) node.spare();
    const reached = victim === undefined ? "anywhere" : step;
    this.#hits.set(reached, (this.#hits.get(reached) ?? 0) + 1);
    this.#total += 1;
    if (victim === undefined && !this.#hits.has(step) && this.#retries < this.planned) {
      this.#retries += 1;
      this.#queue.push(step);
    }
    const dead = victim ?? this.#random.pick(this.#nodes);
    await dead.kill();
    await dead.start();
    return `kill ${this.#total}: at ${reached}${victim === undefined ? ` (${step} was not reached)` : ""}`;
  }
}
