/**
 * The errors of a chain's servers, and their meaning. JSON-RPC has no codes for most of it, and each client words of its
 * own; so the words are read. Sources: the clients' repositories, by the file that holds the text (November 2026).
 *
 * Whatever is not in this table is the server's refusal in words that nobody has explained: it is no outage, and it is not
 * taken for anything else either.
 */

export type Meaning =
  /** The server has the transaction, or a block has it or another one with its nonce. */
  | "known"
  /** The sender's balance does not cover what the transaction may cost. */
  | "funds-low"
  /** The fee is too low, for the base fee, for the mempool, or to replace what is there. */
  | "underpriced"
  /** The server, its plan or its key allows no more for now. */
  | "limited"
  /** The server cannot say now: it is behind, busy, or whoever it asks is. */
  | "away"
  /** The batch has more calls, or its replies more bytes, than the server takes at once. */
  | "batch-too-large"
  /** There is more than one reply may hold: the server has looked. */
  | "reply-too-large"
  /** The range has more blocks than the server looks through at once. */
  | "range-too-large"
  /** The nonce is beyond the next one, or the ones that wait: the server takes it once those before it are there. */
  | "nonce-ahead"
  /** The chain has no block at that height, and never will. */
  | "no-such-block"
  /** The server knows no block that is final, or not such a name. */
  | "no-finality"
  /** The server makes no pending block. */
  | "no-pending-block"
  /** The EVM ended the call; every server would say the same. */
  | "ended";

interface Row {
  readonly meaning: Meaning;
  readonly client: string;
  readonly says: RegExp;
  /** Where the text stands. */
  readonly source: string;
}

const TABLE: readonly Row[] = [
  // known
  row("known", "geth", /already known|nonce too low/i, "core/txpool/errors.go, core/error.go"),
  row(
    "known",
    "cosmos-evm, cronos, sei",
    /already in (?:the )?(?:mem)?pool|tx already exists in cache|invalid nonce; got \d+, expected \d+.*already/i,
    "cometbft mempool/errors.go",
  ),
  row("known", "nethermind", /^AlreadyKnown\b|^OldNonce\b/i, "Nethermind.TxPool/AcceptTxResult.cs"),
  row(
    "known",
    "besu",
    /known transaction|nonce below sender'?s? nonce/i,
    "TransactionInvalidReason, JsonRpcError.java",
  ),
  row(
    "known",
    "erigon",
    /existing tx with same hash|already known/i,
    "txnprovider/txpool/txpoolcfg/txpoolcfg.go",
  ),
  row("known", "anvil, openethereum", /already imported/i, "anvil/src/eth/error.rs, miner/pool/verifier.rs"),
  row(
    "known",
    "filecoin",
    /message (?:already )?(?:exists|is) (?:already )?in mpool/i,
    "lotus chain/messagepool",
  ),
  row("known", "arbitrum", /already exists/i, "nitro: sequencer forwarding"),
  row(
    "known",
    "zksync",
    /nonce is too low|known transaction\. transaction with hash/i,
    "zksync-era core/lib/web3_decl",
  ),

  // funds
  row(
    "funds-low",
    "geth",
    /insufficient funds|insufficient balance/i,
    "core/error.go, core/txpool/errors.go",
  ),
  row("funds-low", "geth", /overdraft/i, "core/txpool/legacypool: overshot balance of queued transactions"),
  row("funds-low", "nethermind", /^InsufficientFunds\b/i, "Nethermind.TxPool/AcceptTxResult.cs"),
  row(
    "funds-low",
    "besu",
    /upfront cost exceeds account balance/i,
    "JsonRpcError.TRANSACTION_UPFRONT_COST_EXCEEDS_BALANCE",
  ),
  row("funds-low", "zksync", /not enough balance to cover/i, "zksync-era tx_sender/result.rs"),
  row("funds-low", "polkadot-evm", /balance ?too ?low/i, "frontier pallet-ethereum"),

  // nonce
  row(
    "nonce-ahead",
    "geth, arbitrum, reth, zksync",
    /nonce (?:is )?too high|nonce gap|gapped[- ]nonce|too far in the future/i,
    "core/error.go, core/txpool/errors.go, reth InvalidTransactionError",
  ),
  row(
    "nonce-ahead",
    "nethermind",
    /^NonceGap\b|^NonceTooFarInFuture\b/i,
    "Nethermind.TxPool/AcceptTxResult.cs",
  ),
  row(
    "nonce-ahead",
    "besu",
    /nonce (?:too distant|above (?:the )?max)|exceeds_future_nonce|transaction nonce too distant/i,
    "TransactionInvalidReason.java",
  ),

  // fee
  row(
    "underpriced",
    "geth",
    /underpriced|max fee per gas less than block base fee|tip.*below minimum/i,
    "core/txpool/errors.go, core/error.go",
  ),
  row(
    "underpriced",
    "nethermind",
    /^FeeTooLow\b|^FeeTooLowToCompete\b|^ReplacementNotAllowed\b|^MaxFeePerGasTooLow/i,
    "Nethermind.TxPool/AcceptTxResult.cs",
  ),
  row(
    "underpriced",
    "besu",
    /gas price (?:is )?(?:below|too low|less than)|price below (?:configured )?minimum|below current base fee|max fee per gas below/i,
    "JsonRpcError.java: GAS_PRICE_BELOW_CURRENT_BASE_FEE, GAS_PRICE_TOO_LOW",
  ),
  row(
    "underpriced",
    "erigon",
    /fee too low|could not replace existing tx|fee cap less than/i,
    "txnprovider/txpool/txpoolcfg/txpoolcfg.go",
  ),
  row(
    "underpriced",
    "openethereum, gnosis",
    /transaction gas price .*too low|try increasing the fee/i,
    "rpc/src/v1/helpers/errors.rs",
  ),
  row(
    "underpriced",
    "filecoin",
    /gas ?premium.*(?:too low|below)|replace by fee/i,
    "lotus chain/messagepool",
  ),
  row(
    "underpriced",
    "celo, klaytn, polygon and others",
    /(?:gas ?price|gas fee cap|tip cap|effective gas ?price).*(?:less than|lower than|below|too low|minimum)/i,
    "their own floors",
  ),
  row("underpriced", "arbitrum", /max fee per gas less than/i, "nitro: core/state_transition.go"),
  row(
    "underpriced",
    "zksync",
    /max fee per gas (?:less|lower) than|gas price .*(?:too low|lower than)/i,
    "zksync-era tx_sender/result.rs",
  ),
  row(
    "underpriced",
    "reth",
    /max ?fee ?per ?gas ?less|fee cap below/i,
    "reth rpc-eth-types: RpcPoolError, InvalidTransactionError",
  ),

  // ranges: before the limits, whose words they share
  row(
    "range-too-large",
    "geth, alchemy, ankr, base, quicknode, drpc and others",
    /block ?range|block_range|ranges? (?:is |are )?(?:too (?:large|wide|big)|over|threshold)|range (?:allowed|limit)|max(?:imum)? (?:block )?range|exceed(?:s|ed)? (?:the )?(?:max(?:imum)? )?(?:allowed )?range|blocks range/i,
    "geth eth/filters: 'exceed maximum block range'; their errors, as ponder's helper for eth_getLogs lists them",
  ),
  row(
    "range-too-large",
    "avalanche, thirdweb, coinbase, harmony, blockpi",
    /too many blocks|number of requested blocks|at most [\d,.]+ blocks|query must be smaller than size|limited to (?:a )?[\d,. -]+ ?blocks?|blocks distance|eth_getlogs .*limited to/i,
    "coreth eth/filters; harmony rpc/filters; the same list",
  ),

  // limits
  row(
    "limited",
    "infura",
    /rate[ -]?limit|too many requests|request count exceeded|project ID request rate|request rate (?:exceeded|limit)/i,
    "docs.infura.io: error codes",
  ),
  row(
    "limited",
    "gateways",
    /throttl|requests? per (?:second|minute|day)|over (?:the |your )?rate|call rate|usage limit|credits? (?:exhausted|exceeded)|capacity exceeded/i,
    "gateways before the clients",
  ),
  row(
    "limited",
    "quicknode",
    /request limit reached|upgrade your account at quicknode/i,
    "quicknode.com/docs: error code -32007",
  ),
  row("limited", "alchemy", /compute units per second|capacity limit/i, "docs.alchemy.com: throughput"),
  row(
    "limited",
    "ankr, chainstack, drpc",
    /quota|daily (?:request )?limit|monthly (?:request )?limit|out of (?:credits|cu)|limit exceeded for/i,
    "their pages on limits",
  ),
  row(
    "limited",
    "geth",
    /in-flight transaction limit reached|account limit exceeded/i,
    "core/txpool/errors.go",
  ),
  row(
    "limited",
    "besu",
    /transaction pool .*full|exceeded.*transaction pool limit/i,
    "TransactionInvalidReason.java",
  ),
  row("limited", "geth, erigon", /txpool is full|transaction pool is full/i, "core/txpool/errors.go"),

  // batches and replies
  row(
    "batch-too-large",
    "geth, drpc, bsc",
    /batch(?:es)? (?:of|size|too|is|request|limit|length|with)|too many (?:requests|calls) in (?:a |the )?batch|batch.*(?:not allowed|not supported|exceed|limit|maximum)/i,
    "rpc/handler.go: errMsgBatchTooLarge; drpc.org free tier",
  ),
  row("batch-too-large", "geth", /^response too large$/i, "rpc/errors.go: errMsgResponseTooLarge"),
  row(
    "reply-too-large",
    "infura, bsc, nethermind, arbitrum",
    /query returned more than|more than [\d,]+ (?:results|logs)|too many (?:results|logs)|logs matched by query exceed|(?:response|result) is too (?:big|large)|response size (?:is )?(?:too|exceed)|query timeout exceeded/i,
    "docs.infura.io: eth_getLogs",
  ),
  row(
    "reply-too-large",
    "alchemy",
    /log response size exceeded|response size (?:is larger|should not)|max(?:imum)? (?:response|results?) (?:size|count)?/i,
    "docs.alchemy.com: eth_getLogs",
  ),
  row(
    "reply-too-large",
    "erigon, reth",
    /query exceeds max (?:results|logs)|max results|backend response too large/i,
    "reth rpc-eth-types: EthFilterError",
  ),

  // pending block
  row(
    "no-pending-block",
    "geth",
    /pending (?:block|state|header|logs?) (?:is |are )?(?:not|un)|pending is not|no pending/i,
    "eth/api_backend.go: 'pending block is not available'",
  ),
  row(
    "no-pending-block",
    "filecoin, zksync and others",
    /(?:un|not )supported (?:block )?(?:tag|number|parameter).*pending|pending.*not (?:supported|available|implemented|found)|unknown block.*pending|invalid block (?:tag|number).*pending/i,
    "lotus node/impl/eth: getTipsetByBlockNumber",
  ),

  // heights without a block
  row("no-such-block", "filecoin", /null round/i, "lotus api/errors.go: ErrNullRound"),

  // finality: before the words for a block that a server has not got yet
  row(
    "no-finality",
    "geth, op-geth, nitro",
    /(?:finalized|safe) (?:block|header) (?:is )?not (?:found|available|set)|not (?:yet )?finalized|finality (?:is )?not (?:supported|available|enabled)/i,
    "eth/api_backend.go: BlockByNumber; nitro arbitrum/apibackend.go",
  ),
  row(
    "no-finality",
    "erigon, nethermind, besu and others",
    /(?:un|not )(?:supported|known|available)\b.*\bfinalized|\bfinalized\b.*(?:unsupported|not supported|unknown|invalid)|invalid block (?:tag|number).*finalized/i,
    "their parsers of block names",
  ),

  // not now
  row(
    "away",
    "geth, erigon",
    /header not found|header for hash not found|unknown (?:block|header|ancestor)|(?:block|header) .*not found|(?:could not|cannot|unable to) find (?:the )?(?:block|header)|missing trie node|state .*(?:not available|unavailable|pruned)|height .*not (?:available|found)/i,
    "core/state: a node that is behind, or prunes",
  ),
  row(
    "away",
    "all",
    /timed? ?out|timeout|try again|temporarily|unavailable|not (?:yet )?(?:ready|synced)|syncing|no (?:available|healthy) (?:upstream|node)|no backend is currently healthy|all (?:upstreams|backends|nodes)|bad gateway|(?:internal|server) busy|overloaded|backend .*(?:fail|error|down)/i,
    "gateways before the clients",
  ),

  // the EVM's word
  row(
    "ended",
    "all",
    /revert|out ?of ?gas|gas required exceeds|invalid opcode|invalid jump|stack (?:under|over)flow/i,
    "core/vm/errors.go",
  ),
  row("ended", "arbitrum, geth", /intrinsic gas too low/i, "core/error.go; nitro adds the gas of the data"),
];

function row(meaning: Meaning, client: string, says: RegExp, source: string): Row {
  return { meaning, client, says, source };
}

/** JSON-RPC codes that mean one thing alone at all servers that use them. */
const BY_CODE: ReadonlyMap<number, Meaning> = new Map([
  [429, "limited"],
  // QuickNode. (-32005 is "limit exceeded" of a rate and of a reply's size: its words decide.)
  [-32007, "limited"],
]);

/** EIP-1474, by code where the words are in no row. */
const LIMIT_EXCEEDED = -32_005;
const RESOURCE_NOT_FOUND = -32_001;
const RESOURCE_UNAVAILABLE = -32_002;

/**
 * What clients put before the words of a contract that reverts. Those are the contract's, whoever wrote it: were they read as the server's,
 * a contract that says "too many requests" would have the server taken for one that is over its limit.
 */
const CONTRACT_SPEAKS =
  /execution reverted|vm exception while processing|vm execution error|message execution failed|reverted with (?:reason|custom)/i;

/**
 * `undefined`: words that are in no row.
 *
 * @param method that was called: what "limit exceeded" is about, where nothing else is said
 */
export function meaningOf(
  { code, message }: { readonly code: number; readonly message: string },
  method?: string,
): Meaning | undefined {
  if (CONTRACT_SPEAKS.test(message)) return "ended";
  const byCode = BY_CODE.get(code);
  if (byCode !== undefined) return byCode;
  const said = TABLE.find(({ says }) => says.test(message))?.meaning;
  if (said !== undefined) return said;
  switch (code) {
    case LIMIT_EXCEEDED:
      // BSC's servers say no more of a range that is too long.
      return method === "eth_getLogs" ? "range-too-large" : "limited";
    case RESOURCE_NOT_FOUND:
    case RESOURCE_UNAVAILABLE:
      return "away";
    default:
      return undefined;
  }
}
