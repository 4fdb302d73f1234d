/** Headers as servers of public chains gave them: each hashes to the name that the chain has for it, and none of another kind does. */

import { expect, test } from "vitest";
import { BlockDescription, verifyBlock } from "../../../runtime/evm/block-header.ts";

const NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";

/** Block 96,223,351 of Arbitrum One, with the fields that its servers add. */
const ARBITRUM_ONE = {
  baseFeePerGas: "0x5f5e100",
  difficulty: "0x1",
  extraData: "0xd79c44e4c3397b74b78db0ea2d34c1106d8bae0752d6e352a859ae27185dec62",
  gasLimit: "0x4000000000000",
  gasUsed: "0x9b0c67",
  hash: "0x9a682d3983aa3c86a32cc87ca21ae5f5eb7b5d175155ed941238e60b681ad280",
  l1BlockNumber: "0x10924a4",
  logsBloom:
    "0x0808000400200000c0040000000000840000000100040200400000000000000c010002000000000006204000012000080000008000100000000040000000000000102021000000008000006800000000000000000002010010004001048004000000000003000000000100200000080000000000800080000000201004000000000000000000800000000000000008088002000400002000000000400800000002000001008000000008000000000080000020020000004000020000001000000000800200000800060820000081000209000c000084020400010100008020010000001400400002000000080000400040001024016004000000000000000000",
  miner: "0xa4b000000000000000000073657175656e636572",
  mixHash: "0x000000000001310800000000010924a4000000000000000a0000000000000000",
  nonce: "0x00000000000d7b9a",
  number: "0x5bc4077",
  parentHash: "0x6becdeda3dd59cbd1d5a459407ba3ffc298a1c64c7af27756f43d0db21144a92",
  receiptsRoot: "0x18dd23ed85557f5ddf1075d35012611580401daf7ecb8a906915ef2036e9425c",
  sendCount: "0x13108",
  sendRoot: "0xd79c44e4c3397b74b78db0ea2d34c1106d8bae0752d6e352a859ae27185dec62",
  sha3Uncles: NO_UNCLES,
  size: "0x2d3a",
  stateRoot: "0xb7845bcebb2a06b61b66e468c4f28ffa73e281101113b32bb49f1fb445d6eb8f",
  timestamp: "0x6476c9df",
  totalDifficulty: "0x469632f",
  transactionsRoot: "0x7989d9339de2ea4c5434ab01c0d5aff3853d6a0d746f306562ebe7ecb49e2c74",
  uncles: [],
};

/** A block of the OP Stack since Ecotone: Cancun's fields, and the fee vault as its miner. */
const OP_STACK = {
  baseFeePerGas: "0xfc",
  blobGasUsed: "0x0",
  difficulty: "0x0",
  excessBlobGas: "0x0",
  extraData: "0x",
  gasLimit: "0x1c9c380",
  gasUsed: "0xab57",
  hash: "0xe479844f85d8dd6008b4aa9352ff3e3d0fa550235bf10bf4ae0c6e893dc13704",
  logsBloom: `0x${"00".repeat(256)}`,
  miner: "0x4200000000000000000000000000000000000011",
  mixHash: "0x93aa8ce0f2f44eabacbb94058b5780cb6d645d457adba101540c6382ccf15f57",
  nonce: "0x0000000000000000",
  number: "0xdfaab9",
  parentBeaconBlockRoot: "0x4f90158e2222808d53cad04b9b49ce98b3b52d311ec31b8234879a0fa81ab98c",
  parentHash: "0x339d3321322b0f5f70bd69a0bf124025f9b980cd3b02b71b61e221c731521f54",
  receiptsRoot: "0xf02f480a926e6a825c18788f6442060b973a4bb60ad88dbff3018b4982a1a071",
  sha3Uncles: NO_UNCLES,
  size: "0x347",
  stateRoot: "0x017662cd279f827fcf1eef1c8c362bd4e7c069b36eb9d13a0e92bedbef94e16c",
  timestamp: "0x6715d511",
  totalDifficulty: "0x0",
  transactionsRoot: "0x35ccc1581f44d178fb5d0059d8a8ee6198117deab115e020591a7979c1dcbc1a",
  uncles: [],
  withdrawals: [],
  withdrawalsRoot: "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
};

test.for([
  ["Arbitrum One", ARBITRUM_ONE, "arbitrum"],
  ["the OP Stack", OP_STACK, "ethereum"],
] as const)("a header of %s hashes to its name", ([, block, rules]) => {
  const header = verifyBlock(BlockDescription.parse(block));
  expect(header).toMatchObject({ hash: block.hash, stateRoot: block.stateRoot, rules });
});

test.for([
  ["ZKsync", { l1BatchNumber: "0x7a120" }],
  ["Avalanche", { extDataHash: NO_UNCLES }],
  ["Celo", { epochSnarkData: null }],
  ["Harmony", { viewID: "0x1" }],
  ["Kaia", { governanceData: "0x" }],
] as const)("a header of %s is refused by the chain's name", ([name, fields]) => {
  // Its own hash is no Keccak of Ethereum's list.
  const described = BlockDescription.parse({ ...OP_STACK, ...fields, hash: NO_UNCLES });
  expect(() => verifyBlock(described)).toThrow(expect.objectContaining({ part: "header" }));
  expect(() => verifyBlock(described)).toThrow(`it is of ${name}`);
});

test("a header of no known chain is refused by its hash", () => {
  const described = BlockDescription.parse({ ...OP_STACK, hash: NO_UNCLES });
  expect(() => verifyBlock(described)).toThrow(/and it is named 0x1dcc[0-9a-f]{60}$/);
});

test("what looks like Arbitrum's in one field alone has Ethereum's rules", () => {
  const { extraData, mixHash } = ARBITRUM_ONE;
  for (const fields of [{ extraData }, { mixHash }, { difficulty: "0x1" }]) {
    const described = { ...OP_STACK, ...fields };
    const [, hash = NO_UNCLES] = /hash to (0x[0-9a-f]{64})/.exec(messageOf(described)) ?? [];
    expect(verifyBlock(BlockDescription.parse({ ...described, hash })).rules).toBe("ethereum");
  }
});

function messageOf(described: object): string {
  try {
    verifyBlock(BlockDescription.parse({ ...described, hash: NO_UNCLES }));
    return "";
  } catch (error) {
    return String(error);
  }
}
