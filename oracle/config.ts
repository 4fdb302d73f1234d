import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { readBounded } from "../endorsements/files/read-bounded.ts";
import { bytes32 } from "../protocol/fields.ts";
import { ConfigError, InputError } from "../protocol/errors.ts";
import { MEANT_TWICE } from "../protocol/unique-json.ts";
import { findRepeatedMember } from "../protocol/unique-members.ts";
import { SecretName } from "../protocol/sealed-secret.ts";
import { ChainConfig } from "./configuration/chain-section.ts";
import { ConsoleSection } from "./configuration/console-section.ts";
import { address, distinct, httpUrl, milliseconds } from "./configuration/fields.ts";
import { RetentionSection } from "./configuration/retention-section.ts";
import { OperatorsSection } from "./configuration/operators-section.ts";
import { ServeSection } from "./configuration/serve-section.ts";

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

export const StoreSection = z.discriminatedUnion("kind", [
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
              upgrades: bytes32
                .optional()
                .describe("whose planned upgrades may take it along: `adyton upgrade authority`"),
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
  operators: OperatorsSection.optional().describe(
    "other operators whose nodes give answers to the same requests; absent: this node has all platforms of a quorum",
  ),
  retention: RetentionSection.optional(),
  serve: ServeSection.optional(),
  console: ConsoleSection.optional(),
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
  return withAbsolutePaths(await readConfigFile(file, OracleConfig), dirname(resolve(file)));
}

/** @throws {ConfigError} CONFIG_INVALID naming every field that is wrong */
// eslint-disable-next-line @typescript-eslint/require-await -- callers wait for whatever a configuration is read from
export async function readConfigFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(readJson(file));
  if (parsed.success) return parsed.data;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `the oracle's configuration is wrong:\n${z.prettifyError(parsed.error)}`,
    details: { file },
  });
}

function readJson(file: string): unknown {
  const { text, json } = parseFile(file);
  const repeated = findRepeatedMember(text);
  if (repeated === undefined) return json;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${file}: ${repeated} ${MEANT_TWICE}`,
    details: { file },
  });
}

function parseFile(file: string): { readonly text: string; readonly json: unknown } {
  try {
    const text = Buffer.from(readBounded(file))
      .toString("utf8")
      .replace(/^\ufeff/u, "");
    return { text, json: JSON.parse(text) };
  } catch (cause) {
    // The sentence has what the system said.
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: describeUnreadable(file, cause instanceof InputError ? (cause.cause ?? cause) : cause),
      details: { file },
    });
  }
}

function describeUnreadable(file: string, cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT") return `there is no configuration ${file}: adyton oracle init writes one`;
  if (code === "EISDIR")
    return `${file} is a folder: name the configuration in it, ${join(file, "oracle.json")}`;
  if (code === "EACCES" || code === "EPERM")
    return `the oracle's configuration ${file} cannot be read by this user: give it, and its folder, to the node's group`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return `the oracle's configuration ${file} cannot be read as JSON: ${why}`;
}

function withAbsolutePaths(config: OracleConfig, base: string): OracleConfig {
  return {
    ...config,
    enclaves: config.enclaves.map((enclave) => ({
      ...enclave,
      secrets: enclave.secrets.map((secret) => ({ ...secret, file: resolve(base, secret.file) })),
    })),
    appraisalPolicy: resolve(base, config.appraisalPolicy),
    transmitterKeys: config.transmitterKeys.map((key) => withAbsoluteFiles(key, base)),
    http: withAbsoluteFiles(config.http, base),
    ...(config.console === undefined ? {} : { console: withAbsoluteFiles(config.console, base) }),
    ...(config.operators === undefined ? {} : { operators: withAbsoluteFiles(config.operators, base) }),
    ...withAbsoluteArchive(config, base),
    ...(config.tracing === undefined ? {} : { tracing: withAbsoluteFiles(config.tracing, base) }),
    store:
      config.store.kind === "pglite"
        ? { ...config.store, path: resolve(base, config.store.path) }
        : config.store,
  };
}

/** The files that `retention` names. */
export function withAbsoluteArchive(
  { retention }: Pick<OracleConfig, "retention">,
  base: string,
): Pick<OracleConfig, "retention"> {
  if (retention === undefined) return {};
  return { retention: { ...retention, archive: withAbsoluteFiles(retention.archive, base) } };
}

const FILES = [
  "file",
  "passwordFile",
  "tokenFile",
  "caFile",
  "adminTokenFile",
  "keyFile",
  "secretKeyFile",
  "path",
] as const;

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
