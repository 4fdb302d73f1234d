/**
 * Replies of rollups' servers, field by field as they are documented, and where each is from. Fields that the node does not read
 * stay: it must bear them. Logs and blooms are left out.
 */

import type { Hex } from "../../../protocol/bytes.ts";

/** docs.arbitrum.io, RPC methods: `gasUsedForL1` and `l1BlockNumber`; values of docs.getblock.io, Arbitrum's eth_getTransactionReceipt. */
export const ARBITRUM_RECEIPT = {
  blockHash: "0x2caf14773f5c8854de725d9077918a0ec14bd123163d5f9e479b06f201452320",
  blockNumber: "0x5259c43",
  contractAddress: null,
  cumulativeGasUsed: "0xc69229",
  effectiveGasPrice: "0x5f5e100",
  from: "0xb8b2522480f850eb198ada5c3f31ac528538d2f5",
  gasUsed: "0x1993d7",
  gasUsedForL1: "0x113076",
  l1BlockNumber: "0x105fbf6",
  logs: [],
  status: "0x1",
  transactionHash: "0x21be7a93a4531a76b1e15d14059582e6b6f9e36cbdc7a85c23667808f4c78b2c",
  transactionIndex: "0x7",
  type: "0x2",
};

/** docs.arbitrum.io, the SDK's ArbBlockProps: `sendRoot`, `sendCount`, `l1BlockNumber`; in every reply a limit of 2^50. */
export const ARBITRUM_BLOCK = {
  number: "0x5259c43",
  hash: ARBITRUM_RECEIPT.blockHash,
  parentHash: `0x${"a1".repeat(32)}`,
  timestamp: "0x64506ab5",
  baseFeePerGas: "0x5f5e100",
  difficulty: "0x1",
  gasLimit: "0x4000000000000",
  gasUsed: "0xc69229",
  l1BlockNumber: "0x105fbf6",
  nonce: "0x00000000000e3f2b",
  sendCount: "0xe3f2",
  sendRoot: `0x${"5e".repeat(32)}`,
};

/** quicknode.com, Arbitrum's eth_feeHistory. */
export const ARBITRUM_FEES = {
  oldestBlock: "0x19a37fec",
  reward: [["0x0"], ["0x0"], ["0x0"], ["0x0"]],
  baseFeePerGas: ["0x1312d00", "0x1321f30", "0x132b3a0", "0x1334810", "0x1334810"],
  gasUsedRatio: [1, 1, 1, 0.2711605714285714],
};

/**
 * specs.optimism.io, Ecotone: the fields `l1…`; values of quicknode.com, World Chain's eth_getTransactionReceipt. Since Isthmus
 * the operator's fee, and `daFootprintGasScalar` since Jovian (quicknode.com, Giwa).
 */
export const OP_RECEIPT = {
  blockHash: "0x8c2b3c8d546e87ef54e2bb56dbe8d8b78bbf39b90c2bd4f78756ca7ae3a41a25",
  blobGasUsed: "0x9c40",
  blockNumber: "0x657db5",
  contractAddress: null,
  cumulativeGasUsed: "0x285afa",
  daFootprintGasScalar: "0x190",
  effectiveGasPrice: "0x186a0",
  from: "0x63a0ae2049741f574f9fa7bccb5fbcf552be9e31",
  gasUsed: "0xdc090",
  l1BaseFeeScalar: "0x21f9",
  l1BlobBaseFee: "0x4d137e31b",
  l1BlobBaseFeeScalar: "0xc5f4f",
  l1Fee: "0x150c88b38050",
  l1GasPrice: "0x32a3ed345",
  l1GasUsed: "0x4d7c",
  logs: [],
  operatorFeeConstant: "0x0",
  operatorFeeScalar: "0x0",
  status: "0x0",
  transactionHash: `0x${"0b".repeat(32)}`,
  transactionIndex: "0x3",
  type: "0x2",
};

/** Blocks of two seconds; base fee as in the receipt. */
export const OP_BLOCK = {
  number: "0x657db5",
  hash: OP_RECEIPT.blockHash,
  parentHash: `0x${"0a".repeat(32)}`,
  timestamp: "0x67473f2b",
  baseFeePerGas: "0x186a0",
  blobGasUsed: "0x0",
  excessBlobGas: "0x0",
  gasLimit: "0x3938700",
  gasUsed: "0x285afa",
  parentBeaconBlockRoot: `0x${"0c".repeat(32)}`,
  requestsHash: `0x${"0d".repeat(32)}`,
  withdrawalsRoot: `0x${"0e".repeat(32)}`,
};

/** Of an OP Stack chain whose blocks pay 0.001 gwei, op-geth's least suggestion; with an entry for a block that is empty. */
export const OP_FEES = {
  oldestBlock: "0x657da2",
  reward: [["0xf4240"], ["0xf4240"], ["0x0"], ["0xf4240"]],
  baseFeePerGas: ["0x186a0", "0x186a0", "0x186a0", "0x186a0", "0x186a0"],
  gasUsedRatio: [0.043, 0.051, 0, 0.044],
};

/** ArbGasInfo.getPricesInWei: the second price is for a byte of calldata; ArbitrumAdapter adds the envelope. */
export function arbitrumDataFee(calldataBytes: bigint): bigint {
  const perByte = 16n * 13_594_710_853n;
  return perByte * (calldataBytes + 160n);
}

/** specs.optimism.io, Fjord, predeploys: getL1FeeUpperBound, with the scalars and prices of the receipt; OptimismAdapter adds the envelope. */
export function opDataFee(calldataBytes: bigint): bigint {
  const size = calldataBytes + 90n + 68n;
  const compressed = size + size / 255n + 16n;
  const estimated = -42_585_600n + 836_500n * compressed;
  const least = 100_000_000n;
  const { l1BaseFeeScalar, l1GasPrice, l1BlobBaseFeeScalar, l1BlobBaseFee } = OP_RECEIPT;
  const scaled =
    BigInt(l1BaseFeeScalar) * BigInt(l1GasPrice) * 16n + BigInt(l1BlobBaseFeeScalar) * BigInt(l1BlobBaseFee);
  return ((estimated < least ? least : estimated) * scaled) / 10n ** 12n;
}

export const ADAPTER: Hex = `0x${"ad".repeat(20)}`;
