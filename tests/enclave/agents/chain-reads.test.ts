/** `host.chain` in a real enclave, over a server that tells the truth, or lies in each way that there is. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { startAnvil, type Anvil } from "../../../devnet/anvil.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { replayReceipt } from "../../../runtime/agents/replay.ts";
import { agentPayload, runAgent, startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";

const CONTRACT: Hex = `0x${"c0".repeat(20)}`;
const SLOT = keccakText("slot");
const VALUE: Hex = `0x${"42".padStart(64, "0")}`;
/** Seconds: the chain's clock is behind by that. */
const BEHIND = 1_000;
const { floor } = Math;

type Result = Record<string, unknown>;
/** Changes what the chain's server answers. */
type Lie = (method: string, result: unknown, params: readonly unknown[]) => unknown;
const honest: Lie = (_method, result) => result;

let anvil: Anvil;
let network: AgentNetwork;
let lie = honest;

async function rpc(method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(anvil.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return ((await response.json()) as { readonly result: unknown }).result;
}

beforeAll(async () => {
  const timestamp = floor(new Date().getTime() / 1000) - BEHIND;
  anvil = await startAnvil({ args: ["--timestamp", String(timestamp)] });
  await rpc("anvil_setBalance", [CONTRACT, "0x64"]);
  await rpc("anvil_setStorageAt", [CONTRACT, SLOT, VALUE]);
  for (let block = 0; block < 4; block += 1) await rpc("evm_mine", []);
  network = await startAgentNetwork({
    respond: (response) => {
      const { method, params } = JSON.parse(network.server.received.at(-1) ?? "") as {
        readonly method: string;
        readonly params: readonly unknown[];
      };

      void rpc(method, params).then((result) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: lie(method, result, params) }));
      });
    },
  });
});
afterEach(() => {
  lie = honest;
});
afterAll(async () => {
  await network.stop();
  await anvil.stop();
});

const READ = `export default async ({ rpc, address, slot, maxAgeSeconds, at }, host) => {
  const chain = host.chain({ rpc, maxAgeSeconds, at });
  try {
    const [word, { balance }] = await Promise.all([chain.storage(address, slot), chain.account(address)]);
    return { word, balance, block: (await chain.block()).number };
  } catch (error) {
    return error.code + " " + error.message;
  }
};`;

async function read(change: object = {}): Promise<{ readonly value: unknown; readonly receipt: Uint8Array }> {
  const payload = agentPayload(READ, {
    manifest: { http: [{ origin: network.origin, methods: ["POST"] }], onHostFailure: "tell" },
    input: {
      rpc: `${network.origin}/rpc`,
      address: CONTRACT,
      slot: SLOT,
      maxAgeSeconds: 2 * BEHIND,
      at: null,
      ...change,
    },
  });
  return await runAgent(network, payload);
}

test("storage and balance are proven in one block, and the run replays offline", async () => {
  const { value, receipt } = await read();
  expect(value).toEqual({ word: VALUE, balance: "100", block: "2" });
  const { receipt: verified } = await verifyReceipt(receipt);
  const { end } = await replayReceipt(verified, loadSandbox());
  expect(end.outcome).toBe("returned");
});

test("a block that the answer is bound to is read by its hash", async () => {
  const block = (await rpc("eth_getBlockByNumber", ["0x3", false])) as { readonly hash: Hex };
  const { value } = await read({ at: { number: "3", hash: block.hash }, maxAgeSeconds: 1 });
  expect(value).toEqual({ word: VALUE, balance: "100", block: "3" });
});

const flip = (hex: unknown): string => {
  const text = hex as string;
  return `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`;
};

test.for([
  [
    "a word beside its proof, which nobody reads",
    ((method, result) => {
      if (method !== "eth_getProof") return result;
      const { storageProof } = result as { readonly storageProof: readonly Result[] };
      return {
        ...(result as Result),
        storageProof: storageProof.map((proof) => ({ ...proof, value: "0x43" })),
      };
    }) satisfies Lie,
    { word: VALUE },
  ],
  [
    "a node of a proof",
    ((method, result) =>
      method === "eth_getProof"
        ? {
            ...(result as Result),
            accountProof: (result as { accountProof: string[] }).accountProof.map(flip),
          }
        : result) satisfies Lie,
    /^UNREACHABLE .* trie: /,
  ],
  [
    "the proof of another account",
    ((method, result) => {
      if (method !== "eth_getProof") return result;
      return { ...(result as Result), accountProof: [] };
    }) satisfies Lie,
    /^UNREACHABLE .* trie: a node is missing/,
  ],
  [
    "a header's state root",
    ((method, result) =>
      method === "eth_getBlockByNumber" ? { ...(result as Result), stateRoot: SLOT } : result) satisfies Lie,
    /^UNREACHABLE .* header: its fields hash to /,
  ],
  [
    "a header of a fork that is not known, with a field of its own",
    ((method, result) =>
      method === "eth_getBlockByNumber"
        ? { ...(result as Result), hash: SLOT, inclusionList: SLOT }
        : result) satisfies Lie,
    /^UNREACHABLE .* header: /,
  ],
  [
    "a proof into no proof",
    ((method, result) => (method === "eth_getProof" ? { accountProof: "0x" } : result)) satisfies Lie,
    /^UNREACHABLE .* shows no block or proof: /,
  ],
  ["nothing", (() => null) satisfies Lie, /^UNREACHABLE .* no result of /],
] as const)("a server that changes %s is not believed", async ([, lies, expected]) => {
  lie = lies;
  const { value } = await read();
  if (expected instanceof RegExp) expect(value).toMatch(expected);
  else expect(value).toMatchObject(expected);
});

test("an old block is refused", async () => {
  expect((await read({ maxAgeSeconds: 120 })).value).toMatch(
    /^UNREACHABLE .* shows a block of \d+, and it is \d+/,
  );
});

test("another block than the answer's is refused, whatever is proven in it", async () => {
  const { value } = await read({ at: { number: "3", hash: SLOT } });
  expect(value).toMatch(
    /^UNREACHABLE .* header: it is of block 0x[0-9a-f]{64}, and 0x[0-9a-f]{64} was asked for/,
  );
});
