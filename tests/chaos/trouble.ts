import type { FaultyProxy, Fault } from "../oracle/support/faulty-proxy.ts";
import type { TestChain } from "../oracle/support/test-chain.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { GAS_PRICE_CAP, sendRequest, untilMined } from "./asker.ts";
import type { Random } from "./random.ts";

const GWEI = 10n ** 9n;
const DEPTHS = [1, 2, 3, 4, 5] as const;
const ERRORS: readonly Fault[] = ["http-503", "cut", "garbage", "slow", "hang", "swallow", "lag"];
/** Requests under a policy that nobody here serves, at once. */
const FLOOD = 100;
/** Of a flood that reorgs come into: the part between two of them. */
const FLOOD_PART = 20;
/** Between two blocks. */
export const BLOCK_SECONDS = 1;
/** Anvil's seventh account. */
const STRANGER = 6;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What goes wrong around the oracle, by a seeded plan: reorgs, RPC errors and outages, fee spikes. Counted. */
export class Trouble {
  readonly #chain: TestChain;
  readonly #proxies: readonly FaultyProxy[];
  readonly #secondProxy: FaultyProxy;
  readonly #random: Random;
  readonly #counts = new Map<string, number>();
  #depths: number[] = [];
  #plan: (() => Promise<void>)[] = [];
  #stopping = false;
  #foreign = 0;
  #making: Promise<void> = Promise.resolve();
  #reorging: Promise<void> = Promise.resolve();

  /** @param secondProxy the one server of another chain, whose trouble must be nobody else's */
  constructor(chain: TestChain, proxies: readonly FaultyProxy[], secondProxy: FaultyProxy, random: Random) {
    this.#chain = chain;
    this.#proxies = proxies;
    this.#secondProxy = secondProxy;
    this.#random = random;
  }

  start(): void {
    this.#making = this.#run();
  }

  /** Leaves every server healthy. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#making;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
  }

  /** What was to happen at least once and has not. */
  get missing(): string[] {
    const wanted = [
      ...DEPTHS.map((depth) => `reorgs of depth ${depth}`),
      "RPC outages",
      "fee spikes",
      "foreign floods",
      "reorgs in foreign floods",
      "second chain's outages",
    ];
    return [...wanted, ...ERRORS.map((fault) => `RPC errors: ${fault}`)].filter(
      (what) => !this.#counts.has(what),
    );
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Of the next depth: all of them come before any comes again. One after another: the killer provokes them too. */
  reorg(): Promise<void> {
    this.#reorging = this.#reorging.then(() => this.#reorg());
    return this.#reorging;
  }

  async #reorg(): Promise<void> {
    if (this.#depths.length === 0) this.#depths = this.#random.shuffled(DEPTHS);
    const depth = this.#depths.pop() ?? 1;
    // Anvil that mines while it reorganises is broken from then on: a number without a block, or a block whose parent nobody
    // has. So nothing is mined meanwhile; `evm_mine` returns when what was being mined is done.
    await this.#chain.rpc("evm_setIntervalMining", 0);
    try {
      await this.#chain.rpc("evm_mine");
      await this.#chain.rpc("anvil_reorg", depth, []);
      this.count(`reorgs of depth ${depth}`);
    } finally {
      // Anvil's time falls some seconds behind with each reorg. Minutes behind, the contract refuses each answer as one of the future.
      await this.#chain.rpc("evm_setTime", Math.floor(wallClockMs() / 1_000));
      await this.#chain.rpc("evm_setIntervalMining", BLOCK_SECONDS);
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      if (this.#plan.length === 0) this.#plan = this.#random.shuffled(this.#round());
      await this.#plan.pop()?.();
      await sleep(this.#random.between(300, 2_000));
    }
  }

  /** Each of these comes before any comes again. */
  #round(): (() => Promise<void>)[] {
    return [
      ...ERRORS.map((fault) => () => this.#fail(fault)),
      () => this.#outage(),
      () => this.#spike(),
      () => this.#flood(),
      () => this.#floodWithReorgs(),
      () => this.#secondOutage(),
      () => this.reorg(),
      () => this.reorg(),
    ];
  }

  /** One of the servers fails; the others serve. */
  async #fail(fault: Fault): Promise<void> {
    const proxy = this.#random.pick(this.#proxies);
    proxy.fault = fault;
    await sleep(this.#random.between(300, 2_500));
    proxy.fault = "none";
    this.count(`RPC errors: ${fault}`);
  }

  async #outage(): Promise<void> {
    for (const proxy of this.#proxies) proxy.fault = "cut";
    await sleep(this.#random.between(500, 4_000));
    for (const proxy of this.#proxies) proxy.fault = "none";
    this.count("RPC outages");
  }

  /** A stranger asks what is nobody's here to answer: it must cost this node next to nothing. */
  async #flood(): Promise<void> {
    if (await this.#askAsStranger(FLOOD)) this.count("foreign floods");
  }

  /** What the stranger asked is taken back again and again, with what others asked between. */
  async #floodWithReorgs(): Promise<void> {
    for (let asked = 0; asked < FLOOD; asked += FLOOD_PART) {
      if (!(await this.#askAsStranger(FLOOD_PART))) return;
      await this.reorg();
    }
    this.count("reorgs in foreign floods");
  }

  /** @returns whether all of it was mined: the base fee may be above what anybody pays, and then it comes again */
  async #askAsStranger(many: number): Promise<boolean> {
    const from = await (await this.#chain.provider.getSigner(STRANGER)).getAddress();
    const policyId = `0x${"f0".repeat(32)}`;
    try {
      for (let count = 0; count < many; count += 1)
        await sendRequest(this.#chain, { from, context: (this.#foreign += 1), policyId });
      await untilMined(this.#chain, from);
      return true;
    } catch {
      return false;
    }
  }

  /** The other chain's server takes calls, and says nothing: the first chain goes on meanwhile. */
  async #secondOutage(): Promise<void> {
    this.#secondProxy.fault = "hang";
    await sleep(this.#random.between(500, 4_000));
    this.#secondProxy.fault = "none";
    this.count("second chain's outages");
  }

  /** Up to one and a half of what anybody pays: then everything waits until it has passed, an eighth with each block. */
  async #spike(): Promise<void> {
    const highest = Number((GAS_PRICE_CAP * 3n) / 2n / GWEI);
    const baseFee = BigInt(this.#random.between(100, highest)) * GWEI;
    await this.#chain.rpc("anvil_setNextBlockBaseFeePerGas", `0x${baseFee.toString(16)}`);
    this.count("fee spikes");
  }
}
