/** Accounts, storage and headers of a chain that runs: proven, they are what the chain itself says. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { startAnvil, type Anvil } from "../../../devnet/anvil.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { BlockDescription, verifyBlock } from "../../../runtime/evm/block-header.ts";
import { ProofRefused } from "../../../runtime/evm/proof-refused.ts";
import { StateProof, verifyAccount, verifySlot } from "../../../runtime/evm/proven-state.ts";

const CONTRACT: Hex = `0x${"c0".repeat(20)}`;
const NOBODY: Hex = `0x${"ee".repeat(20)}`;
const slotOf = (index: number): Hex => keccakText(`slot ${index}`);
const SLOTS = Array.from({ length: 40 }, (_, index) => slotOf(index));

let anvil: Anvil;
async function rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(anvil.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  return ((await response.json()) as { readonly result: unknown }).result;
}

let block: BlockDescription;
let proof: StateProof;
beforeAll(async () => {
  anvil = await startAnvil();
  await rpc("anvil_setCode", CONTRACT, "0x6001");
  await rpc("anvil_setBalance", CONTRACT, "0x1234567890");
  // Every other slot, with values of each length.
  for (const [index, slot] of SLOTS.entries()) {
    if (index % 2 === 1) continue;
    const value = toHex(new Uint8Array(32).fill(index + 1, 32 - ((index % 32) + 1)));
    await rpc("anvil_setStorageAt", CONTRACT, slot, value);
  }
  await rpc("evm_mine");
  block = BlockDescription.parse(await rpc("eth_getBlockByNumber", "latest", false));
  proof = StateProof.parse(await rpc("eth_getProof", CONTRACT, SLOTS, block.number));
}, 60_000);
afterAll(async () => {
  await anvil.stop();
});

const partOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return error instanceof ProofRefused ? error.part : String(error);
  }
  return "accepted";
};

test("each slot is what the chain says, whether something is there or nothing", async () => {
  const { storageRoot } = verifyAccount(block.stateRoot, CONTRACT, proof.accountProof);
  for (const [index, slot] of SLOTS.entries()) {
    const proven = verifySlot(storageRoot, slot, proof.storageProof[index]?.proof ?? []);
    expect(proven).toBe(await rpc("eth_getStorageAt", CONTRACT, slot, block.number));
    expect(BigInt(proven) === 0n).toBe(index % 2 === 1);
  }
});

test("an account is what the chain says, and nobody's is empty", async () => {
  const account = verifyAccount(block.stateRoot, CONTRACT, proof.accountProof);
  expect(account).toMatchObject({ balance: 0x1234567890n, nonce: 0n });
  const absent = StateProof.parse(await rpc("eth_getProof", NOBODY, [slotOf(0)], block.number));
  const nobody = verifyAccount(block.stateRoot, NOBODY, absent.accountProof);
  expect(nobody).toMatchObject({ balance: 0n, codeHash: `0x${"00".repeat(32)}` });
  expect(BigInt(verifySlot(nobody.storageRoot, slotOf(0), absent.storageProof[0]?.proof ?? []))).toBe(0n);
});

test("a proof of another account, slot or root proves nothing", () => {
  const { storageRoot } = verifyAccount(block.stateRoot, CONTRACT, proof.accountProof);
  const [first, , third] = proof.storageProof;
  expect(partOf(() => verifySlot(storageRoot, slotOf(2), first?.proof ?? []))).toBe("trie");
  expect(partOf(() => verifySlot(block.stateRoot, slotOf(2), third?.proof ?? []))).toBe("trie");
  expect(partOf(() => verifyAccount(storageRoot, CONTRACT, proof.accountProof))).toBe("trie");
  expect(partOf(() => verifySlot(storageRoot, slotOf(0), []))).toBe("trie");
});

test("a header is held to its hash: no field is another's, and none is unknown", () => {
  expect(verifyBlock(block)).toMatchObject({ hash: block.hash, stateRoot: block.stateRoot });
  for (const change of [
    { stateRoot: keccakText("another") },
    { timestamp: "0x1" },
    { number: "0x1234" },
    { baseFeePerGas: undefined },
    { hash: keccakText("another") },
  ])
    expect(partOf(() => verifyBlock({ ...block, ...change }))).toBe("header");
});
