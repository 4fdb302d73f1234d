/** `host.chain` in a real enclave, over a server that tells the truth, or lies in each way that there is. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { startAnvil, type Anvil } from "../../../devnet/anvil.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { replayReceipt } from "../../../runtime/agents/replay.ts";
import { assemble } from "../../runtime/evm/support/programs.ts";
import { agentPayload, runAgent, startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";

const CONTRACT: Hex = `0x${"c0".repeat(20)}`;
const SLOT = keccakText("slot");
const VALUE: Hex = `0x${"42".padStart(64, "0")}`;
/** Seconds: the chain's clock is behind by that. */
const BEHIND = 1_000;
const VAULT: Hex = `0x${"c1".repeat(20)}`;
const LOGGER: Hex = `0x${"c2".repeat(20)}`;
const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, "0")}`;
/** What is in the slot that its first argument names; reverts for the slot 9. */
const READS_SLOT = assemble(
  4n,
  0x35,
  9n,
  0x14,
  22n,
  0x57,
  4n,
  0x35,
  0x54,
  0x5f,
  0x52,
  32n,
  0x5f,
  0xf3,
  0,
  0,
  0,
  0x5b,
  0x5f,
  0x5f,
  0xfd,
);
/** A log with its call data's first word as topic, and the number 5 as data. */
const LOGS_INPUT = assemble(5n, 0x5f, 0x52, 0x5f, 0x35, 32n, 0x5f, 0xa1);
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
  await rpc("anvil_setCode", [VAULT, toHex(READS_SLOT)]);
  await rpc("anvil_setStorageAt", [VAULT, word(7n), word(1_000n)]);
  await rpc("anvil_setCode", [LOGGER, toHex(LOGS_INPUT)]);
  await rpc("evm_mine", []);
  const [from] = (await rpc("eth_accounts", [])) as readonly string[];
  for (const topic of [SLOT, VALUE]) {
    await rpc("eth_sendTransaction", [{ from, to: LOGGER, data: topic, gas: "0x186a0" }]);
    await rpc("evm_mine", []);
  }
  for (let block = 0; block < 3; block += 1) await rpc("evm_mine", []);
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
  expect(value).toEqual({ word: VALUE, balance: "100", block: "6" });
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

const VIEW = "limitOf(uint256 slot) returns (ufixed256x2 limit, bool more)";

async function run(
  source: string,
  at: string | null = null,
): Promise<{ readonly value: unknown; readonly receipt: Uint8Array }> {
  const head = (await rpc("eth_getBlockByNumber", [at ?? "latest", false])) as {
    readonly number: Hex;
    readonly hash: Hex;
  };
  const payload = agentPayload(
    `export default async ({ rpc, at }, host) => {
      const chain = host.chain({ rpc, at, chainId: 31337 });
      try { return ${source}; } catch (error) { return error.code + " " + error.message; }
    };`,
    {
      manifest: {
        http: [{ origin: network.origin, methods: ["POST"] }],
        onHostFailure: "tell",
        limits: { httpCalls: 64, calls: 128 },
      },
      input: {
        rpc: `${network.origin}/rpc`,
        at: { number: BigInt(head.number).toString(), hash: head.hash },
      },
    },
  );
  return await runAgent(network, payload);
}

async function replayed(receipt: Uint8Array): Promise<string> {
  const { receipt: verified } = await verifyReceipt(receipt);
  return (await replayReceipt(verified, loadSandbox())).end.outcome;
}

test("a view is run over proven state, and the run replays offline", async () => {
  const { value, receipt } = await run(
    `await chain.call("${VAULT}", "limitOf(uint256) returns (ufixed256x2)", ["7"])`,
  );
  expect(value).toEqual(["10"]);
  expect(await replayed(receipt)).toBe("returned");
});

test.for([
  [
    "reverts",
    `chain.call("${VAULT}", "limitOf(uint256) returns (uint256)", ["9"])`,
    /^REVERTED the view reverts with 0x$/,
  ],
  [
    "returns something else",
    `chain.call("${VAULT}", "${VIEW}", ["7"])`,
    /^REFUSED output is not of its output type/,
  ],
  [
    "is given other arguments",
    `chain.call("${VAULT}", "f(bool) returns (bool)", [7])`,
    /^REFUSED .*value1 must be true or false/,
  ],
  ["is no view", `chain.call("${VAULT}", "f", [])`, /^REFUSED a view is written like/],
] as const)("a view that %s is told as such", async ([, source, expected]) => {
  const { value, receipt } = await run(`await ${source}`);
  expect(value).toMatch(expected);
  expect(await replayed(receipt)).toBe("returned");
});

test.for([
  [
    "the code",
    ((method, result) => (method === "eth_getCode" ? flip(result) : result)) satisfies Lie,
    /code: /,
  ],
  [
    "a word's proof",
    ((method, result) => {
      if (method !== "eth_getProof") return result;
      const { storageProof } = result as {
        readonly storageProof: readonly { readonly proof: readonly string[] }[];
      };
      return {
        ...(result as Result),
        storageProof: storageProof.map(({ proof }) => ({ proof: proof.map(flip) })),
      };
    }) satisfies Lie,
    /trie: /,
  ],
] as const)("a server that changes %s of a view is not believed", async ([, lies, expected]) => {
  lie = lies;
  const { value } = await run(`await chain.call("${VAULT}", "limitOf(uint256) returns (uint256)", ["7"])`);
  expect(value).toMatch(/^UNREACHABLE /);
  expect(value).toMatch(expected);
});

const LOGS = (filter: string): string => `(await chain.logs({ address: "${LOGGER}", ${filter} }))`;

test("logs are proven, all of them, and the run replays offline", async () => {
  const all = await run(`${LOGS('fromBlock: "0"')}.map(({ topics, data }) => topics[0] + data.slice(-1))`);
  expect(all.value).toEqual([`${SLOT}5`, `${VALUE}5`]);
  expect(await replayed(all.receipt)).toBe("returned");
  const one = await run(`${LOGS(`fromBlock: "0", topics: ["${VALUE}"]`)}.length`);
  expect(one.value).toBe(1);
});

test("blocks that cannot have such a log show no receipts: their headers say it", async () => {
  const before = network.server.received.length;
  await run(`${LOGS(`fromBlock: "0", topics: ["${word(3n)}"]`)}.length`);
  const asked = network.server.received.slice(before).filter((body) => body.includes("eth_getBlockReceipts"));
  expect(asked).toEqual([]);
});

test.for([
  ["leaves a log out", (logs: readonly Result[]) => logs.slice(1)],
  ["changes a log", (logs: readonly Result[]) => logs.map((log) => ({ ...log, data: word(6n) }))],
  ["adds a log", (logs: readonly Result[]) => [...logs, ...logs]],
] as const)("a server that %s is not believed", async ([, change]) => {
  lie = (method, result) =>
    method === "eth_getBlockReceipts"
      ? (result as readonly { readonly logs: readonly Result[] }[]).map((one) => ({
          ...one,
          logs: change(one.logs),
        }))
      : result;
  expect((await run(LOGS('fromBlock: "0"'))).value).toMatch(/^UNREACHABLE .* receipts: /);
});

test("a server that shows another block in between is not believed", async () => {
  lie = (method, result, [number]) => {
    if (method !== "eth_getBlockByNumber") return result;
    const shown = result as Result & { readonly parentHash: string };
    return number === "0x3" ? { ...shown, timestamp: "0x1" } : shown;
  };
  expect((await run(LOGS('fromBlock: "0"'))).value).toMatch(/^UNREACHABLE .* header: /);
});

test("logs before the pinned block's last 64, and after it, are refused", async () => {
  expect((await run(LOGS('fromBlock: "0", toBlock: "99"'))).value).toMatch(/^REFUSED /);
});
