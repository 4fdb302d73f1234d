import { expect, test } from "vitest";
import { type ChainHealth, toHealth } from "../../../oracle/http/health.ts";
import { WELL_CHAIN, WELL_STORE } from "../support/health.ts";

const ENCLAVES = [{ keysetId: "0x01", url: "https://10.0.0.2:7789" }];

test("a node whose chains are followed, with money, an enclave and a store that takes rows, is well", () => {
  const all = { chains: [WELL_CHAIN], enclaves: ENCLAVES, store: WELL_STORE };
  expect(toHealth(all).status).toBe("ok");
  expect(toHealth({ ...all, enclaves: [] }).status).toBe("degraded");
  expect(toHealth({ ...all, store: { ...WELL_STORE, writable: false } }).status).toBe("degraded");
  expect(toHealth({ ...all, chains: [{ ...WELL_CHAIN, follower: "another" }] }).status).toBe("ok");
});

test.for<[string, Partial<ChainHealth>]>([
  ["was never read", { block: null, behindBlocks: null }],
  ["is not read any longer", { stalled: true }],
  ["no process follows", { follower: "nobody" }],
  ["has no key that can pay", { keysUsable: 0 }],
  ["is disputed", { disputed: true }],
  ["took back what counted as settled", { finalityViolation: { from: 300, to: -1 } }],
  ["knows no finalized block, where one is waited for", { finalityKnown: false }],
  ["has another time than this machine", { clockSkewed: true, clockAheadSeconds: 300 }],
])("one chain that %s is enough to say so", ([, wrong]) => {
  const chains = [WELL_CHAIN, { ...WELL_CHAIN, chainId: 2, ...wrong }];
  expect(toHealth({ chains, enclaves: ENCLAVES, store: WELL_STORE }).status).toBe("degraded");
});
