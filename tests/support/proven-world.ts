/**
 * A block whose state and receipts another library's tries hold: what a server of a chain would show of it is genuine, and no
 * chain has to run.
 */

import { createMerkleProof, createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { keccakText } from "../../protocol/struct-hash.ts";
import { quantityBytes, type BlockDescription } from "../../runtime/evm/block-header.ts";
import type { StateProof } from "../../runtime/evm/proven-state.ts";
import { encodeRlp } from "../../runtime/evm/rlp.ts";
import type { ShownReceipt } from "../../runtime/evm/receipts.ts";
import { describeBlock } from "../runtime/evm/support/described-block.ts";

/** Enough for tries of several levels. */
const ACCOUNTS = 60;
const SLOTS = 24;
const NO_CODE = keccak_256(new Uint8Array());

export interface ProvenWorld {
  readonly block: BlockDescription;
  readonly receipts: readonly ShownReceipt[];
  /** An account with code and storage. */
  readonly contract: Hex;
  /** Nobody has it. */
  readonly nobody: Hex;
  /** In the contract's storage, with what is there. */
  readonly slots: ReadonlyMap<Hex, Hex>;
  readonly emptySlot: Hex;
  /** As `eth_getProof` shows it. */
  readonly proofOf: (address: Hex, slots: readonly Hex[]) => Promise<StateProof>;
}

const addressOf = (name: string): Hex => keccakText(name).slice(0, 42) as Hex;
const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;

export async function createProvenWorld({
  number,
  timestamp,
}: {
  readonly number: bigint;
  readonly timestamp: bigint;
}): Promise<ProvenWorld> {
  const contract = addressOf("contract");
  const slots = new Map(
    // Values of each length.
    Array.from({ length: SLOTS }, (_, index) => [
      keccakText(`slot ${index}`),
      word((index + 1) * 7 ** (index % 12)),
    ]),
  );
  const storage = await createMPT();
  for (const [slot, value] of slots)
    await storage.put(keccak_256(fromHex(slot)), encodeRlp(quantityBytes(`0x${BigInt(value).toString(16)}`)));
  const state = await createMPT();
  const empty = await createMPT();
  for (let index = 0; index < ACCOUNTS; index += 1) {
    const fields = [
      quantityBytes("0x1"),
      quantityBytes(`0x${(index + 1).toString(16)}`),
      empty.root(),
      NO_CODE,
    ];
    await state.put(keccak_256(fromHex(addressOf(`account ${index}`))), encodeRlp(fields));
  }
  const fields = [
    quantityBytes("0x1"),
    quantityBytes("0x1234567890"),
    storage.root(),
    keccak_256(Uint8Array.of(0x60)),
  ];
  await state.put(keccak_256(fromHex(contract)), encodeRlp(fields));
  const receipts = receiptsOf(contract);
  const block = describeBlock({
    number,
    timestamp,
    stateRoot: toHex(state.root()),
    receiptsRoot: await rootOf(receipts),
    logsBloom: toHex(bloomOf(receipts.flatMap(({ logs }) => logs))),
  });
  return {
    block,
    receipts,
    contract,
    nobody: addressOf("nobody"),
    slots,
    emptySlot: keccakText("no slot"),
    proofOf: async (address, asked) => ({
      accountProof: await nodesOf(state, fromHex(address)),
      storageProof: await Promise.all(
        asked.map(async (slot) => ({
          proof: address === contract ? await nodesOf(storage, fromHex(slot)) : [],
        })),
      ),
    }),
  };
}

async function nodesOf(trie: MerklePatriciaTrie, key: Uint8Array): Promise<Hex[]> {
  const nodes = await createMerkleProof(trie, keccak_256(key));
  return nodes.map((node) => toHex(node));
}

/** Of each kind that there is: the oldest, which names no type, a later one, one that failed, and a rollup's deposit. */
function receiptsOf(address: Hex): readonly ShownReceipt[] {
  const log = (index: number): ShownReceipt["logs"][number] => ({
    address,
    topics: [keccakText("Turned(uint256)"), word(index)],
    data: `0x${"ab".repeat(index * 9)}`,
  });
  return [
    { type: "0x0", status: "0x1", cumulativeGasUsed: "0x5208", logs: [log(0)] },
    { type: "0x2", status: "0x1", cumulativeGasUsed: "0x14820", logs: [log(1), log(2)] },
    { type: "0x2", status: "0x0", cumulativeGasUsed: "0x19a28", logs: [] },
    {
      ...{ type: "0x7e", status: "0x1", cumulativeGasUsed: "0x1ec30", logs: [log(3)] },
      ...{ depositNonce: "0x2a", depositReceiptVersion: "0x1" },
    },
  ];
}

type Logs = readonly ShownReceipt["logs"][number][];

/** By another library's trie. */
async function rootOf(receipts: readonly ShownReceipt[]): Promise<Hex> {
  const trie = await createMPT();
  for (const [index, { type, status, cumulativeGasUsed, logs, ...deposit }] of receipts.entries()) {
    const list = encodeRlp([
      quantityBytes(status),
      quantityBytes(cumulativeGasUsed),
      bloomOf(logs),
      logs.map((log) => [fromHex(log.address), log.topics.map((topic) => fromHex(topic)), fromHex(log.data)]),
      ...[deposit.depositNonce, deposit.depositReceiptVersion].flatMap((field) =>
        field === undefined ? [] : [quantityBytes(field)],
      ),
    ]);
    const value = type === "0x0" ? list : concatBytes(quantityBytes(type), list);
    await trie.put(encodeRlp(quantityBytes(`0x${index.toString(16)}`)), value);
  }
  return toHex(trie.root());
}

/** Yellow Paper, 4.3.1, as one number of 2,048 bits. */
function bloomOf(logs: Logs): Uint8Array {
  let bloom = 0n;
  for (const item of logs.flatMap((log) => [log.address, ...log.topics])) {
    const hash = keccak_256(fromHex(item));
    for (const at of [0, 2, 4]) bloom |= 1n << BigInt((((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) % 2_048);
  }
  return fromHex(`0x${bloom.toString(16).padStart(512, "0")}`);
}
