/** How a node serves one chain. */

import * as z from "zod";
import { bytes32, bytesHex } from "../../protocol/fields.ts";
import { MAX_BATCH_ANSWERS } from "../../protocol/limits.ts";
import { address, GWEI, gwei, milliseconds, rpcUrl, wei } from "./fields.ts";

/** EIP-7825: 2^24. */
const TRANSACTION_GAS_CAP = 16_777_216;

const ListedPrice = z.strictObject({
  perRequest: wei.default(0n),
  perPayloadByte: wei.default(0n),
  perOutputToken: wei.default(0n).describe("for each token that the request allows the model to write"),
});

const PriceList = z.strictObject({
  models: z
    .record(z.string(), ListedPrice)
    .default({})
    .describe(
      "least fee by model (provider/model), in wei; * is every other model and sealed questions. What is not named here " +
        "costs what the enclave's behaviour file says",
    ),
  gasPricePercent: z
    .int()
    .min(0)
    .max(1_000)
    .default(100)
    .describe("part of today's base fee that a request's gasPriceCap must reach before a model is called"),
});

const BatchConfig = z
  .strictObject({
    minAnswers: z
      .int()
      .min(2)
      .max(MAX_BATCH_ANSWERS)
      .default(4)
      .describe("answers of one enclave that must wait at once; fewer are sent one by one"),
    dearGasGwei: gwei.default(20n * GWEI).describe("base fee from which two answers are worth a batch"),
    maxAnswers: z.int().min(2).max(MAX_BATCH_ANSWERS).default(100).describe("answers in one transaction"),
    maxGas: z
      .int()
      .min(500_000)
      .max(TRANSACTION_GAS_CAP)
      .default(16_000_000)
      .describe(
        "gas limit of one transaction: below EIP-7825's cap, and the account must hold so much gas at the highest fee",
      ),
  })
  .describe("several answers under one signature in one transaction")
  // A person writes gwei and ether; the code computes in wei.
  .transform(({ dearGasGwei, ...section }) => ({ ...section, dearGasWei: dearGasGwei }));
export type BatchSection = z.output<typeof BatchConfig>;

export const ChainConfig = z
  .strictObject({
    chainId: z.int().min(1).describe("EIP-155 chain id; every RPC endpoint must be of this chain"),
    rpcUrls: z
      .array(rpcUrl)
      .min(1)
      .describe(
        "JSON-RPC endpoints over http, https, ws or wss, preferred first; the others serve when it fails, and are compared with it",
      ),
    coordinator: address.describe("OracleCoordinator"),
    registry: address.describe("EnclaveRegistry"),
    confirmations: z
      .union([z.int().min(0).max(10_000), z.literal("finalized")])
      .default(2)
      .describe("blocks on top of a request before a model is called; 0: as soon as it is mined"),
    maxReorgBlocks: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(64)
      .describe(
        "blocks that a reorg may take back; a deeper one, or one below the finalized block, stops this chain until a person " +
          "has looked (adyton oracle accept-reorg)",
      ),
    pollMs: milliseconds.default(2_000).describe("how often the head is asked for"),
    fromBlock: z
      .int()
      .min(0)
      .default(0)
      .describe("block of the coordinator's deployment: where an empty store starts"),
    maxBlockRange: z.int().min(1).max(100_000).default(1_000).describe("blocks in one eth_getLogs"),
    rpcTimeoutMs: milliseconds.default(10_000),
    rpcCompareMs: milliseconds.default(10_000).describe("how often several endpoints are compared"),
    rpcMaxLagBlocks: z
      .int()
      .min(1)
      .max(10_000)
      .default(20)
      .describe("blocks behind the others at which an endpoint is asked last"),
    admissions: z
      .array(z.strictObject({ policyId: bytes32, verifier: address }))
      .default([])
      .describe(
        "policies to admit the enclaves under, each with the verifier contract that judges their evidence",
      ),
    turnSeconds: z
      .number()
      .min(0)
      .max(86_400)
      .default(30)
      .describe(
        "how long each platform in a request's order has before the next one's node asks its own enclave; the same at all nodes, and longer than a model takes",
      ),
    settleSeconds: z
      .int()
      .min(1)
      .max(3_600)
      .default(30)
      .describe(
        "how long an answer takes from the model's call into a block, a few blocks' time at least: with less until its deadline " +
          "or its cancellation a request is not answered, and refunded, since the model would be paid for nothing",
      ),
    renewBeforeSeconds: z
      .int()
      .min(1)
      .max(30 * 86_400)
      .default(3_600)
      .describe("how long before its end an admission is renewed; half of what is left where that is less"),
    maxFeeGwei: gwei.default(500n * GWEI).describe("most that a unit of gas may ever cost"),
    maxTipGwei: gwei
      .default(50n * GWEI)
      .describe(
        "most of it that may be a tip, whatever the servers suggest; they are also held to what recent blocks paid",
      ),
    broadcast: z
      .enum(["all", "one"])
      .default("all")
      .describe(
        "servers that a transaction is sent to: all that serve; one where the chain has no mempool that they share",
      ),
    maxTransactionGas: z
      .int()
      .min(100_000)
      .default(16_777_216)
      .describe("gas that one transaction may use (EIP-7825); a request that may need more is refunded"),
    lowFundsEther: z
      .number()
      .min(0)
      .default(0.01)
      .transform((value) => BigInt(Math.round(value * 1e9)) * GWEI)
      .describe("a key with less is not used for new transactions; with no key left no model is called"),
    refundMaxFeeGwei: gwei
      .default(100n * GWEI)
      .describe(
        "most that a unit of gas may cost for what nobody repays: a refund, an answer that earns nothing, the start of a feed's round",
      ),
    refundMaxCallbackGas: z
      .int()
      .min(0)
      .max(5_000_000)
      .default(1_000_000)
      .describe(
        "most gas that a request may name for its callback for this node to refund it, or to settle it with an answer that earns nothing; " +
          "beyond it that is left to whoever wants it. Consumers' own terms for a kilobyte of answer name 836,000",
      ),
    feeds: z
      .array(
        z.strictObject({
          address: address.describe("PushFeed contract, which says what is asked and when"),
          delaySeconds: z
            .int()
            .min(0)
            .max(86_400)
            .default(0)
            .describe("how long a round that is due is left to other nodes: 0 on one of them"),
          deviation: z
            .strictObject({
              percent: z.number().min(0.000_001).max(1_000_000).describe("of the feed's newest answer"),
              to: address.describe("contract of the view"),
              data: bytesHex.describe("calldata of a view whose first word is a number in the answers' unit"),
            })
            .optional()
            .describe(
              "a round is due when the view's number has moved away so far from the newest answer; the feed must be one that " +
                "an event starts, and list this node's keys as triggers",
            ),
        }),
      )
      .default([])
      .describe(
        "push feeds whose rounds this node starts; an event's only where the feed lists its keys as triggers",
      ),
    ledgers: z
      .array(
        z.strictObject({
          address: address.describe("SnapshotLedger contract"),
          fromBlock: z.int().min(0).default(0).describe("block of its deployment"),
          checkpointSeconds: z
            .int()
            .min(1)
            .max(86_400)
            .default(60)
            .describe("how long an entry waits, at most, before it is checkpointed, answered and settled"),
          checkpointEntries: z
            .int()
            .min(1)
            .max(1_024)
            .default(256)
            .describe("waiting entries that are checkpointed at once"),
        }),
      )
      .default([])
      .describe(
        "ledgers whose entries this node has answered and settles: by its own enclaves, as many as the ledger's threshold, admitted " +
          "under its policy; their operator files list the ledger among the coordinators",
      ),
    provenLedgers: z
      .array(
        z.strictObject({
          address: address.describe("ProvenLedger contract"),
          fromBlock: z.int().min(0).default(0).describe("block of its deployment"),
        }),
      )
      .default([])
      .describe(
        "ledgers whose writes this node has signed by its enclaves and serves to provers; their operator files list the ledger among " +
          "the coordinators",
      ),
    agents: z
      .array(
        z.strictObject({
          account: address.describe("AgentAccount, or the module of a Safe"),
          grantId: bytes32.describe("a grant of it in slot mode, under a policy of admissions"),
          program: z.string().min(1).describe("file of the granted program, as adyton agent build writes it"),
          receipts: z.string().min(1).optional().describe("folder for the runs' receipts"),
        }),
      )
      .default([])
      .describe(
        "accounts whose due slots this node runs: it asks its enclaves, sends what acts, and claims earlier idle runs with it",
      ),
    events: z
      .array(
        z.strictObject({
          address: address.describe("contract whose logs start the program"),
          topics: z
            .array(bytes32.nullable())
            .max(4)
            .default([])
            .describe("that a log must have, in their places; null: any"),
          program: z.string().min(1).describe("file of the program, as adyton agent build writes it"),
          receipts: z
            .string()
            .min(1)
            .describe("folder for the runs' receipts: they are also what remembers that a log was run for"),
          lookbackBlocks: z
            .int()
            .min(1)
            .max(100_000)
            .default(300)
            .describe(
              "blocks that are looked through after a start; the enclave runs for logs of the last hour",
            ),
        }),
      )
      .default([])
      .describe(
        "logs for each of which this node has its enclave run a program, once, when their block has its confirmations",
      ),
    prices: PriceList.prefault({}).describe(
      "what a request must offer to be served by this node; one that offers less is not answered, and refunded",
    ),
    batches: z
      .union([z.literal("never"), BatchConfig.prefault({})])
      .prefault({})
      .describe("never: every answer is a transaction of its own"),
    maxInFlight: z.int().min(1).max(1_000).default(64).describe("transactions of one key in flight"),
    bumpAfterMs: milliseconds
      .default(30_000)
      .describe("raise the fee of a transaction that nobody mined for so long"),
  })
  .transform(({ maxFeeGwei, maxTipGwei, refundMaxFeeGwei, lowFundsEther, ...section }) => ({
    ...section,
    maxFeeWei: maxFeeGwei,
    maxTipWei: maxTipGwei,
    refundMaxFeeWei: refundMaxFeeGwei,
    lowFundsWei: lowFundsEther,
  }));
