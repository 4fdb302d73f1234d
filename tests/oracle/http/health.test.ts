import { expect, test } from "vitest";
import { toHealth } from "../../../oracle/http/health.ts";
import type { ChainHealth } from "../../../oracle/http/health.ts";

const ENCLAVE = { keysetId: "0x01", url: "https://10.0.0.2:7789" };
const CHAIN: ChainHealth = {
  ...{ chainId: 1, block: 7, behindBlocks: 0, stalled: false, keysUsable: 1, keysLowOnFunds: [] },
  ...{ disputed: false, rpcSetAside: {} },
};

test("a node whose chains are followed, with money and an enclave, is well", () => {
  expect(toHealth({ chains: [CHAIN], enclaves: [ENCLAVE] }).status).toBe("ok");
  expect(toHealth({ chains: [CHAIN], enclaves: [] }).status).toBe("degraded");
});

test.for<[string, Partial<ChainHealth>]>([
  ["was never read", { block: null, behindBlocks: null }],
  ["is not read any longer", { stalled: true }],
  ["has no key that can pay", { keysUsable: 0 }],
  ["is disputed", { disputed: true }],
])("one chain that %s is enough to say so", ([, wrong]) => {
  const chains = [CHAIN, { ...CHAIN, chainId: 2, ...wrong }];
  expect(toHealth({ chains, enclaves: [ENCLAVE] }).status).toBe("degraded");
});
