import type { ChainHealth, Health } from "../../../oracle/http/health.ts";

/** A chain with nothing wrong. */
export const WELL_CHAIN: ChainHealth = {
  chainId: 1,
  block: 11,
  behindBlocks: 0,
  stalled: false,
  keysUsable: 1,
  keysLowOnFunds: [],
  disputed: false,
  rpcSetAside: {},
  follower: "this",
  followedSecondsAgo: 1,
  headAgeSeconds: 2,
  finalityViolation: null,
  finalityKnown: true,
  clockAheadSeconds: 0,
  clockSkewed: false,
  deepestReorgBlocks: 0,
};

export const WELL_STORE: Health["store"] = { writable: true, writeMs: 2, writtenSecondsAgo: 1, failures: 0 };
