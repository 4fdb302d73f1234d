import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Address } from "ox";
import { z } from "zod";
import { ConfigError } from "../protocol/errors.ts";
import type { Hex } from "../protocol/bytes.ts";
import { bytes32 } from "../protocol/fields.ts";
import { MAX_BATCH_ANSWERS } from "../protocol/limits.ts";
import { SecretName } from "../protocol/sealed-secret.ts";

const GWEI = 1_000_000_000n;
/** EIP-7825: 2^24. */
const TRANSACTION_GAS_CAP = 16_777_216;
const gwei = z
  .number()
  .positive()
  .transform((value) => BigInt(Math.round(value * 1e9)));
const httpUrl = z.url({ protocol: /^https?$/ });
const rpcUrl = z.url({ protocol: /^(?:http|ws)s?$/ });
/** As block explorers show it, or in lower case: a mixed one whose checksum (ERC-55) is wrong has a slip of the hand in it. */
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, { error: "expected 0x and 40 hex digits" })
  .refine((text) => Address.validate(text, { strict: true }), {
    error: "its checksum is wrong: copy the address again, or write it in lower case",
  })
  .transform((text) => text.toLowerCase() as Hex);
const milliseconds = z.int().min(1).max(86_400_000);

/** A refinement of a list: no two items are the same by `keyOf`. */
const distinct =
  <Item>(what: string, keyOf: (item: Item) => string) =>
  (items: readonly Item[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const key = keyOf(item);
      if (seen.has(key)) {
        context.addIssue({ code: "custom", path: [index], message: `another one has the same ${what}` });
      }
      seen.add(key);
    }
  };

const wei = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,30})$/, { error: "expected wei as a decimal string" })
  .transform((text) => BigInt(text));

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
  .describe("several answers under one signature in one transaction");
export type BatchSection = z.output<typeof BatchConfig>;

const ChainConfig = z.strictObject({
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
      "most that a unit of gas may cost for a refund or the start of a feed's round, which nobody repays",
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
      }),
    )
    .default([])
    .describe(
      "push feeds whose rounds this node starts; an event's only where the feed lists its keys as triggers",
    ),
  prices: PriceList.prefault({}).describe(
    "what a request must offer to be served by this node; one that offers less is not answered, and refunded",
  ),
  batches: z
    .union([z.literal("never"), BatchConfig.prefault({})])
    .default(BatchConfig.parse({}))
    .describe("never: every answer is a transaction of its own"),
  maxInFlight: z.int().min(1).max(1_000).default(64).describe("transactions of one key in flight"),
  bumpAfterMs: milliseconds
    .default(30_000)
    .describe("raise the fee of a transaction that nobody mined for so long"),
});

const TransmitterKey = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("keystore"), file: z.string(), passwordFile: z.string() }),
  z.strictObject({ kind: z.literal("raw"), file: z.string().describe("32 bytes of hex: for development") }),
  z.strictObject({
    kind: z.literal("remote"),
    address: address.describe("account that signs"),
    url: z
      .string()
      .regex(/^(?:https?:\/\/\S+|unix:\/\S+)$/, { error: "expected https://…, http://… or unix:/path" })
      .describe("JSON-RPC server with eth_signTransaction, such as web3signer"),
    tokenFile: z.string().optional().describe("token sent as Authorization: Bearer"),
    caFile: z
      .string()
      .optional()
      .describe("PEM of the authority behind its certificate, where that is private"),
    timeoutMs: milliseconds.default(5_000),
  }),
]);

const StoreSection = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("pglite"),
    path: z.string().describe("a directory of this process alone"),
  }),
  z.strictObject({ kind: z.literal("postgres"), url: z.url({ protocol: /^postgres(?:ql)?$/ }) }),
]);

export const OracleConfig = z.strictObject({
  $schema: z.string().optional(),
  chains: z
    .array(ChainConfig)
    .min(1)
    // Two would follow it under one lease, and count its nonces apart.
    .superRefine(distinct("chainId", ({ chainId }) => String(chainId))),
  enclaves: z
    .array(
      z.strictObject({
        url: z.url({ protocol: /^https$/ }),
        callerToken: z.string().min(1).describe("credential that the enclave's operator file lists"),
        secrets: z
          .array(
            z.strictObject({
              name: SecretName.describe("a provider's `secret` in the behaviour file"),
              file: z.string().describe("holds the provider's key on one line"),
            }),
          )
          .default([])
          .describe(
            "provider keys for this enclave, sealed to it after each start once its evidence is accepted; " +
              "its operator file must let the caller provision",
          ),
      }),
    )
    .min(1)
    .superRefine(distinct("url", ({ url }) => url)),
  appraisalPolicy: z
    .string()
    .describe("file: what the enclaves' evidence must show before a byte is sent to them"),
  transmitterKeys: z
    .array(TransmitterKey)
    .min(1)
    .superRefine(distinct("key", (key) => (key.kind === "remote" ? key.address : key.file)))
    .describe("accounts that pay for transactions"),
  store: StoreSection,
  reverifySeconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(3_600)
    .describe("how often each enclave must show fresh evidence, judged by the vendors' present endorsements"),
  payloads: z
    .strictObject({
      ipfsGateways: z
        .array(httpUrl)
        .default([])
        .describe(
          "servers of /ipfs/{cid} that you trust to be reached, preferred first; none: ipfs URIs are refused",
        ),
      timeoutMs: milliseconds.default(20_000).describe("longest that fetching one payload may take"),
    })
    .prefault({})
    .describe("payloads that travel by hash and URI"),
  takeoverSeconds: z
    .int()
    .min(10)
    .max(3_600)
    .default(10)
    .describe("nodes on one PostgreSQL: a node that gave no sign of life for so long is taken for dead"),
  http: z
    .strictObject({
      host: z.string().default("127.0.0.1"),
      port: z.int().min(0).max(65_535).default(7_788),
      adminTokenFile: z
        .string()
        .optional()
        .describe("token for /v1/admin; without it there is no such route"),
    })
    .prefault({})
    .describe("index, receipts, health; port 0: chosen by the system and printed"),
  concurrency: z.int().min(1).max(1_000).default(64).describe("requests at the enclaves at once"),
  answerTimeoutMs: milliseconds.default(180_000).describe("longest that one answer may take, model included"),
  tracing: z
    .strictObject({
      url: httpUrl.describe("OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces"),
      tokenFile: z.string().optional().describe("token sent as Authorization: Bearer"),
    })
    .optional()
    .describe("collector of OpenTelemetry that traces of requests are sent to"),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type OracleConfig = z.output<typeof OracleConfig>;
export type ChainSection = OracleConfig["chains"][number];

/**
 * The configuration of a file; relative paths in it are relative to the file.
 *
 * @throws {ConfigError} CONFIG_INVALID naming every field that is wrong
 */
export async function loadOracleConfig(file: string): Promise<OracleConfig> {
  const parsed = OracleConfig.safeParse(await readJson(file));
  if (!parsed.success) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `the oracle's configuration is wrong:\n${z.prettifyError(parsed.error)}`,
      details: { file },
    });
  }
  return withAbsolutePaths(parsed.data, dirname(resolve(file)));
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `the oracle's configuration ${file} cannot be read as JSON: ${why}`,
      details: { file },
      cause,
    });
  }
}

function withAbsolutePaths(config: OracleConfig, base: string): OracleConfig {
  return {
    ...config,
    enclaves: config.enclaves.map((enclave) => ({
      ...enclave,
      secrets: enclave.secrets.map(({ name, file }) => ({ name, file: resolve(base, file) })),
    })),
    appraisalPolicy: resolve(base, config.appraisalPolicy),
    transmitterKeys: config.transmitterKeys.map((key) => withAbsoluteFiles(key, base)),
    http: withAbsoluteFiles(config.http, base),
    ...(config.tracing === undefined ? {} : { tracing: withAbsoluteFiles(config.tracing, base) }),
    store:
      config.store.kind === "pglite"
        ? { ...config.store, path: resolve(base, config.store.path) }
        : config.store,
  };
}

const FILES = ["file", "passwordFile", "tokenFile", "caFile", "adminTokenFile"] as const;

/** `section` with each file that it names made absolute. */
function withAbsoluteFiles<Section extends Partial<Record<(typeof FILES)[number], string | undefined>>>(
  section: Section,
  base: string,
): Section {
  const named = FILES.flatMap((name) => {
    const file = section[name];
    return file === undefined ? [] : [[name, resolve(base, file)] as const];
  });
  return { ...section, ...Object.fromEntries(named) };
}
