/**
 * A model of the oracle: requests arrive on chains (Poisson), each chain is followed and sent to by one node, every node asks for any chain's
 * requests, and all share a store. What a step costs was measured; what the model leaves out is in docs/explanation/oracle-performance.md.
 */

import { createRandom } from "../../../tests/support/random.ts";
import { ChainLane } from "./chain-lane.ts";
import type { MeasuredCosts } from "./costs.ts";
import { EventClock } from "./event-clock.ts";
import { Station } from "./station.ts";

/** What runs, and where: each node and each enclave has a core of its own, the store several. */
export interface Shape {
  readonly nodes: number;
  readonly chains: number;
  readonly enclaves: number;
  readonly storeCores: number;
  readonly storeCommitsPerSecond: number;
  /** Requests at the enclaves at once, of each node. */
  readonly slots: number;
  readonly keysPerChain: number;
  /** Transactions of one key in flight. */
  readonly maxInFlight: number;
  /** Answers in one transaction, at most. */
  readonly batch: number;
  readonly modelMs: number;
  readonly blockMs: number;
  /** Blocks on top of a request before a model is asked. */
  readonly confirmations: number;
  readonly pollMs: number;
  /** Of a block, as far as it is left to this oracle. */
  readonly gasPerBlock: number;
  /** Messages that a chain's server takes. */
  readonly rpcPerSecond: number;
}

interface NodeParts {
  readonly thread: Station;
  readonly slots: Station;
}

interface ChainParts {
  readonly lane: ChainLane;
  readonly rpc: Station;
  readonly holder: NodeParts;
}

/** A node's loops: its thread serves each in turn, so that a flood of one does not starve the others. */
const LOOPS = { follow: 0, ask: 1, record: 2, send: 3 } as const;

/** The part of a thread or a server that is left to work while it is also polled without end. */
const LEAST_LEFT = 0.01;

export class OracleModel {
  readonly clock = new EventClock();
  readonly nodes: readonly NodeParts[];
  readonly enclaves: readonly Station[];
  readonly store: Station;
  readonly commits: Station;
  readonly chains: readonly ChainParts[];
  readonly #costs: MeasuredCosts;
  readonly #shape: Shape;
  readonly #random: () => number;
  readonly #onDelivered: (latencyMs: number) => void;
  /** Requests that have arrived and were not delivered. */
  readonly #open = new Set<number>();
  #arrived = 0;
  #delivered = 0;
  #asked = 0;

  constructor(
    costs: MeasuredCosts,
    shape: Shape,
    { seed, onDelivered }: { readonly seed: number; readonly onDelivered: (latencyMs: number) => void },
  ) {
    this.#costs = costs;
    this.#shape = shape;
    this.#random = createRandom(seed);
    this.#onDelivered = onDelivered;
    const { clock } = this;
    const several = (count: number, servers: number, lines = 1): Station[] =>
      Array.from({ length: count }, () => new Station(clock, servers, lines));
    const threads = several(shape.nodes, 1, Object.keys(LOOPS).length);
    const slots = several(shape.nodes, shape.slots);
    this.nodes = threads.map((thread, index) => ({ thread, slots: itemOf(slots, index) }));
    this.enclaves = several(shape.enclaves, 1);
    this.store = new Station(clock, shape.storeCores);
    this.commits = new Station(clock, 1);
    this.chains = several(shape.chains, 1).map((rpc, index) => ({
      rpc,
      holder: itemOf(this.nodes, index),
      lane: new ChainLane({
        ...{ clock, blockMs: shape.blockMs, gasPerBlock: shape.gasPerBlock, batch: shape.batch },
        gasPerAnswer: costs.gasPerAnswer,
        maxInFlight: shape.keysPerChain * shape.maxInFlight,
      }),
    }));
  }

  get arrived(): number {
    return this.#arrived;
  }

  get delivered(): number {
    return this.#delivered;
  }

  get waiting(): number {
    return this.#open.size;
  }

  /** Requests arrive from now on, independently of each other. */
  start(perSecond: number): void {
    const next = (): void => {
      this.clock.after((-Math.log(1 - this.#random()) * 1_000) / perSecond, () => {
        this.#request(itemOf(this.chains, Math.floor(this.#random() * this.chains.length)));
        next();
      });
    };
    next();
  }

  #request(chain: ChainParts): void {
    const id = this.#arrived;
    this.#arrived += 1;
    this.#open.add(id);
    const since = this.clock.now;
    const deliver = (): void => {
      this.#delivered += 1;
      this.#open.delete(id);
      this.#onDelivered(this.clock.now - since);
    };
    chain.lane.request(() => {
      this.#follow(chain, () => {
        this.#ask(() => {
          this.#send(chain, deliver);
        });
      });
    });
  }

  /** From the request's block to its job. */
  #follow({ rpc, holder }: ChainParts, done: () => void): void {
    const { pollMs, blockMs, confirmations } = this.#shape;
    const { follow } = this.#costs.msPerAnswer;
    const confirmed = confirmations * blockMs;
    // Half an interval after each block where both are as long: as late as it is on average where they are not.
    const sinceLook = (this.clock.now + confirmed + pollMs / 2) % pollMs;
    this.clock.after(confirmed + pollMs - sinceLook, () => {
      rpc.serve(this.#rpcMs / 2, () => {
        this.#work(holder, ["follow", follow], () => {
          this.#write(done);
        });
      });
    });
  }

  /** The job, at whichever node has most room: the call to the enclave, and what is recorded of it. */
  #ask(done: () => void): void {
    const worker = this.#roomiest();
    const enclave = itemOf(this.enclaves, this.#asked);
    this.#asked += 1;
    const half = this.#costs.msPerAnswer.ask / 2;
    worker.slots.take((release) => {
      this.#work(worker, ["ask", half], () => {
        enclave.serve(this.#costs.msPerAnswer.enclave, () => {
          this.clock.after(this.#shape.modelMs, () => {
            this.#work(worker, ["record", half], () => {
              this.#write(() => {
                release();
                done();
              });
            });
          });
        });
      });
    });
  }

  /** From the answer to its transaction, which waits for room and a block. */
  #send({ lane, rpc, holder }: ChainParts, mined: () => void): void {
    this.#work(holder, ["send", this.#costs.msPerAnswer.send], () => {
      this.#write(() => {
        rpc.serve(this.#rpcMs / 2, () => {
          lane.send({ mined });
        });
      });
    });
  }

  #work({ thread }: NodeParts, [loop, ms]: readonly [keyof typeof LOOPS, number], done: () => void): void {
    thread.serve(ms * this.#slowdown, done, LOOPS[loop]);
  }

  /** One of the three times that a request's state is written. */
  #write(done: () => void): void {
    const { storeCommitsPerSecond } = this.#shape;
    this.store.serve(this.#costs.msPerAnswer.store / 3, () => {
      this.commits.serve((this.#costs.commitsPerAnswer * 1_000) / storeCommitsPerSecond / 3, done);
    });
  }

  /** Of the polls of the measured node. */
  get #polls(): number {
    return this.#costs.idlePollMs / this.#shape.pollMs;
  }

  /** Every node polls every chain, whoever holds it. */
  get #slowdown(): number {
    return 1 / left((this.#costs.idleMsPerSecond.node * this.#polls * this.#shape.chains) / 1_000);
  }

  /** Of the server's time that one answer's messages take, beside all nodes' polling. */
  get #rpcMs(): number {
    const { rpcExchangesPerAnswer, rpcExchangesPerSecondIdle } = this.#costs;
    const { rpcPerSecond, nodes } = this.#shape;
    const polling = (rpcExchangesPerSecondIdle * this.#polls * nodes) / rpcPerSecond;
    return (rpcExchangesPerAnswer * 1_000) / rpcPerSecond / left(polling);
  }

  #roomiest(): NodeParts {
    const first = this.#asked % this.nodes.length;
    let best = itemOf(this.nodes, first);
    for (let offset = 1; offset < this.nodes.length; offset += 1) {
      const other = itemOf(this.nodes, first + offset);
      if (other.slots.load < best.slots.load) best = other;
    }
    return best;
  }
}

function left(used: number): number {
  return Math.max(LEAST_LEFT, 1 - used);
}

function itemOf<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new TypeError("a simulation needs at least one of each");
  return item;
}
