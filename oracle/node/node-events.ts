/** The events between the node's parts: an emitter knows no listener. */

import { EventEmitter } from "node:events";

interface Events {
  /** Jobs were queued, or became possible. */
  work: [];
  /** Answers, or refusals, were recorded. */
  recorded: [chainIds: ReadonlySet<number>];
  /** An enclave was connected and verified: it may need an admission. */
  enclave: [];
  /** An operator asked for a request to be tried again. */
  retried: [];
}

export type NodeEvents = EventEmitter<Events>;

export function createNodeEvents(): NodeEvents {
  return new EventEmitter<Events>();
}
