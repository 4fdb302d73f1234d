import { describe, expect, test } from "vitest";
import { type Meaning, meaningOf } from "../../../../oracle/chain/rpc/client-errors.ts";
import { toChainError } from "../../../../oracle/chain/rpc/revert.ts";

const refusal = (message: string, code: number): { code: number; message: string; data: undefined } => ({
  code,
  message,
  data: undefined,
});

describe("what servers say of logs and blocks", () => {
  test.for<[server: string, words: string, code: number]>([
    ["geth", "exceed maximum block range: 5000", -32_000],
    ["alchemy", "You can make eth_getLogs requests with up to a 10 block range.", -32_600],
    ["quicknode", "eth_getLogs is limited to a 10,000 range", -32_614],
    ["blockpi", "eth_getLogs is limited to 1024 block range.", -32_600],
    ["1rpc", "eth_getLogs is limited to 0 - 5000 blocks range", -32_000],
    ["ankr", "block range is too wide", -32_600],
    ["merkle", "eth_getLogs range is too large, max is 1k blocks", -32_000],
    ["base", "block range too large", -32_614],
    ["cloudflare", "Max range: 800", -32_602],
    ["coinbase", "please limit the query to at most 1000 blocks", -32_602],
    ["thirdweb", "Maximum allowed number of requested blocks is 1000", -32_602],
    ["avalanche", "requested too many blocks from 1 to 5000, maximum is set to 2048", -32_000],
    ["harmony", "GetLogs query must be smaller than size 1024", -32_000],
    ["chainstack", "Block range limit exceeded. See more details at their page", -32_000],
    ["drpc", "ranges over 10000 blocks are not supported on freetier", 35],
    ["erpc", "getLogs request exceeded max allowed range", -32_012],
    ["besu", "Requested range exceeds maximum range limit", -32_005],
    ["blast", "eth_getLogs exceeds the range allowed for your plan (5000 > 500)", -32_600],
    ["tac", "maximum [from, to] blocks distance: 2000", -32_000],
    ["bsc", "limit exceeded", -32_005],
  ])("a range that is too long is one, and no server over its limit: %s", ([, words, code]) => {
    expect(meaningOf(refusal(words, code), "eth_getLogs")).toBe("range-too-large");
    expect(toChainError("eth_getLogs", refusal(words, code)).code).toBe("CHAIN_RPC_REFUSED");
  });

  test.for<[words: string, code: number, meaning: Meaning]>([
    ["Query returned more than 10,000 results. Try with this range [0x1, 0x2].", -32_005, "reply-too-large"],
    ["Too many logs requested. Max logs per response is 20000.", -32_005, "reply-too-large"],
    ["logs matched by query exceeds limit of 10000", -32_000, "reply-too-large"],
    ["Query timeout exceeded. Consider narrowing it.", -32_000, "reply-too-large"],
    ["header not found", -32_000, "away"],
    ["could not find block for height 826401374464", -32_000, "away"],
    ["Unable to find block 0x10", -32_001, "away"],
    ["resource not there", -32_001, "away"],
    ["state 0x12 is not available", -32_000, "away"],
    ["no backend is currently healthy to serve traffic", -32_011, "away"],
    ["requested epoch was a null round (12)", 12, "no-such-block"],
    ["finalized block not found", -32_000, "no-finality"],
    ["invalid block tag: finalized", -32_602, "no-finality"],
    ["limit exceeded", -32_005, "limited"],
    ["Your app has exceeded its compute units per second capacity", 429, "limited"],
    ["rate-limited: 25 requests per second", -32_000, "limited"],
  ])("%s", ([words, code, meaning]) => {
    expect(meaningOf(refusal(words, code))).toBe(meaning);
  });

  test.for([
    "execution reverted: too many requests",
    "execution reverted: insufficient funds",
    "Execution reverted: already known",
    "execution reverted: block range too large",
    "Error: VM Exception while processing transaction: reverted with reason string 'rate limit'",
    "VM execution error: underpriced",
  ])("a contract's own words are never taken for the server's: %s", (words) => {
    expect(meaningOf(refusal(words, 3))).toBe("ended");
    expect(toChainError("eth_call", refusal(words, 3)).code).toBe("CHAIN_REVERTED");
  });
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
    ["cosmos-evm", "tx already in mempool", -32_000, "known"],
    ["openethereum", "Transaction with the same hash was already imported.", -32_010, "known"],
    ["filecoin", "message already exists in mpool", -32_000, "known"],
    ["geth", "nonce too high: next nonce 4, tx nonce 9", -32_000, "nonce-ahead"],
    ["nethermind", "NonceGap, Future nonce. Expected nonce: 4", -32_010, "nonce-ahead"],
    ["besu", "Transaction nonce too distant from current sender nonce", -32_006, "nonce-ahead"],
    [
      "openethereum",
      "Transaction gas price 1wei is too low. There is another transaction with same nonce in the queue.",
      -32_010,
      "underpriced",
    ],
    ["geth", "transaction gas price below minimum: gas tip cap 0, minimum needed 1", -32_000, "underpriced"],
    ["filecoin", "message from f4 with nonce 3: replace by fee has too low GasPremium", 1, "underpriced"],
    ["celo", "gasprice is less than gas price minimum floor", -32_000, "underpriced"],
    ["erigon", "INTERNAL_ERROR: could not replace existing tx", -32_000, "underpriced"],
    ["geth", "replacement transaction underpriced: new tx gas fee cap 1 < 2", -32_000, "underpriced"],
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
