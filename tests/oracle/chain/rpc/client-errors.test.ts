import { describe, expect, test } from "vitest";
import { type Meaning, meaningOf } from "../../../../oracle/chain/rpc/client-errors.ts";
import { toChainError } from "../../../../oracle/chain/rpc/revert.ts";

const refusal = (message: string, code: number): { code: number; message: string; data: undefined } => ({
  code,
  message,
  data: undefined,
});

describe("what clients say of a transaction", () => {
  test.for<[client: string, words: string, code: number, meaning: Meaning]>([
    ["geth", "insufficient funds for gas * price + value", -32_000, "funds-low"],
    ["geth", "replacement transaction underpriced", -32_000, "underpriced"],
    ["geth", "max fee per gas less than block base fee: address 0x, maxFeePerGas: 1", -32_000, "underpriced"],
    ["geth", "already known", -32_000, "known"],
    ["geth", "nonce too low: next nonce 5, tx nonce 4", -32_000, "known"],
    ["geth", "in-flight transaction limit reached for delegated accounts", -32_000, "limited"],
    ["nethermind", "InsufficientFunds, Account balance: 0, cumulative cost: 21000", -32_010, "funds-low"],
    ["nethermind", "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 7", -32_010, "underpriced"],
    ["nethermind", "ReplacementNotAllowed", -32_010, "underpriced"],
    ["nethermind", "AlreadyKnown", -32_010, "known"],
    ["nethermind", "OldNonce, Current nonce: 5, nonce of rejected tx: 4", -32_010, "known"],
    ["besu", "Upfront cost exceeds account balance", -32_004, "funds-low"],
    ["besu", "Gas price below current base fee", -32_009, "underpriced"],
    ["besu", "Known transaction", -32_000, "known"],
    ["besu", "Nonce below sender's nonce", -32_001, "known"],
    ["erigon", "existing tx with same hash", -32_000, "known"],
    ["erigon", "could not replace existing tx", -32_000, "underpriced"],
    ["erigon", "fee too low", -32_000, "underpriced"],
    ["zksync", "Not enough balance to cover the fee. Need: 5, Actual: 0", 3, "funds-low"],
    ["arbitrum", "intrinsic gas too low (supplied gas 300000)", -32_000, "ended"],
    ["quicknode", "50/second request limit reached - reduce calls per second", -32_007, "limited"],
    ["infura", "daily request count exceeded, request rate limited", -32_005, "limited"],
    ["infura", "query returned more than 10000 results", -32_005, "reply-too-large"],
  ])("%s: %s", ([, words, code, meaning]) => {
    expect(meaningOf(refusal(words, code))).toBe(meaning);
  });

  test.for<[string, number, string]>([
    ["Upfront cost exceeds account balance", -32_004, "CHAIN_FUNDS_LOW"],
    ["fee too low", -32_000, "CHAIN_UNDERPRICED"],
    ["intrinsic gas too low (supplied gas 300000)", -32_000, "CHAIN_REVERTED"],
    ["50/second request limit reached", -32_007, "CHAIN_RPC_UNAVAILABLE"],
    ["transaction type not supported", -32_000, "CHAIN_RPC_REFUSED"],
    ["the moon is in the wrong house", -32_099, "CHAIN_RPC_REFUSED"],
  ])(
    "is told by a code of ours, and what nobody has explained by another than an outage: %s",
    ([words, code, ours]) => {
      expect(toChainError("eth_sendRawTransaction", refusal(words, code)).code).toBe(ours);
    },
  );
});
