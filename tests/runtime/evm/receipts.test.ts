/** Receipts of a block: their root is the header's, as other libraries make it, and any change shows. */

import { createMPT } from "@ethereumjs/mpt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAnvil, type Anvil } from "../../../devnet/anvil.ts";
import { toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { BlockDescription, verifyBlock } from "../../../runtime/evm/block-header.ts";
import { orderedTrieRoot } from "../../../runtime/evm/ordered-trie.ts";
import { ProofRefused } from "../../../runtime/evm/proof-refused.ts";
import { mayHaveLog, ShownReceipt, verifyLogs } from "../../../runtime/evm/receipts.ts";
import { encodeRlp } from "../../../runtime/evm/rlp.ts";
import { assemble } from "./support/programs.ts";

const LOGGER: Hex = `0x${"c0".repeat(20)}`;
const COUNT = 150;
const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;
/** Topics are its call data's first word and its caller; the call data is the log's data too. */
const CODE = assemble(0x36, 0x5f, 0x5f, 0x37, 0x33, 0x5f, 0x35, 0x36, 0x5f, 0xa2);

let anvil: Anvil;
let block: BlockDescription;
let receipts: readonly ShownReceipt[];

async function rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "content-type": "application/json" };
  const response = await fetch(anvil.url, { method: "POST", headers, body });
  return ((await response.json()) as { readonly result: unknown }).result;
}

beforeAll(async () => {
  anvil = await startAnvil();
  await rpc("anvil_setCode", LOGGER, toHex(CODE));
  await rpc("evm_setAutomine", false);
  const [from] = (await rpc("eth_accounts")) as readonly string[];
  for (let index = 0; index < COUNT; index += 1) {
    const price = index % 3 === 0 ? { gasPrice: "0x77359400" } : {};
    const data = word(index) + "ab".repeat(index);
    await rpc("eth_sendTransaction", { from, to: LOGGER, gas: "0x186a0", data, ...price });
  }
  await rpc("evm_mine");
  block = BlockDescription.parse(await rpc("eth_getBlockByNumber", "latest", false));
  const shown = (await rpc("eth_getBlockReceipts", "latest")) as readonly unknown[];
  receipts = shown.map((receipt) => ShownReceipt.parse(receipt));
}, 60_000);
afterAll(async () => {
  await anvil.stop();
});

test("a list's root is that of another library, for lists of each length", async () => {
  for (const length of [0, 1, 2, 16, 17, 127, 128, 129, 200, 257]) {
    const values = Array.from({ length }, (_, index) => toUtf8("x".repeat(1 + ((index * 7) % 60))));
    const trie = await createMPT({});
    for (const [index, value] of values.entries()) {
      const digits = index.toString(16);
      const bytes = index === 0 ? "" : digits.padStart(2 * Math.ceil(digits.length / 2), "0");
      await trie.put(encodeRlp(Uint8Array.from(Buffer.from(bytes, "hex"))), value);
    }
    expect(orderedTrieRoot(values), String(length)).toBe(toHex(trie.root()));
  }
});

test("a block's logs are all found, in their order and by their topics", () => {
  const header = verifyBlock(block);
  expect(receipts).toHaveLength(COUNT);
  const all = verifyLogs(header, receipts, { address: LOGGER, topics: [] });
  expect(all.map(({ topics }) => topics[0])).toEqual(receipts.map((_, index) => word(index)));
  expect(all.map(({ logIndex, transactionIndex }) => [logIndex, transactionIndex])).toEqual(
    receipts.map((_, index) => [index, index]),
  );
  const one = verifyLogs(header, receipts, { address: LOGGER, topics: [word(77), null] });
  expect(one).toMatchObject([{ transactionIndex: 77 }]);
  expect(mayHaveLog(header, { address: LOGGER, topics: [word(77)] })).toBe(true);
  expect(mayHaveLog(verifyBlock({ ...block }), { address: LOGGER, topics: [] })).toBe(true);
});

test("no changed digit of a receipt, and no receipt less or more, is under the block's root", () => {
  const header = verifyBlock(block);
  const verify = (changed: readonly ShownReceipt[]): readonly unknown[] =>
    verifyLogs(header, changed, { address: LOGGER, topics: [] });
  expect(() => verify(receipts.slice(1))).toThrow(ProofRefused);
  expect(() => verify([...receipts, ...receipts.slice(0, 1)])).toThrow(ProofRefused);
  expect(() => verify(receipts.toReversed())).toThrow(ProofRefused);
  const text = JSON.stringify(receipts);
  const digits = [...text.matchAll(/"0x([0-9a-f]+)"/g)].flatMap(({ index: at, 1: hex = "" }) =>
    Array.from(hex, (_, offset) => at + 3 + offset),
  );
  for (let count = 0; count < 100; count += 1) {
    const at = digits[(count * 7_919) % digits.length] ?? 0;
    const changed = `${text.slice(0, at)}${text[at] === "1" ? "2" : "1"}${text.slice(at + 1)}`;
    expect(() => verify(JSON.parse(changed) as ShownReceipt[]), String(at)).toThrow(ProofRefused);
  }
});
