/**
 * Writes docs/reference/contracts.md from the NatSpec of the interfaces and of what users deploy or inherit. With `--check`
 * writes nothing and fails when the page is not what the sources say. Run `npm run build:contracts` first.
 */

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import * as z from "zod";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "docs/reference/contracts.md");

/** In reading order; every other contract is an implementation of one of these. */
const CONTRACTS = [
  "OracleConsumer",
  "OracleConsumerBase",
  "ReplaceableOracleConsumer",
  "OracleConsumerUpgradeable",
  "Inference",
  "AgentCalls",
  "IOracleCoordinator",
  "ISubscriptions",
  "IAnswerChecker",
  "AdytonValidator",
  "IOracleLens",
  "IPushFeed",
  "ILedger",
  "ISnapshotLedger",
  "IProvenLedger",
  "IEpochVerifier",
  "ProvenScores",
  "IEnclaveRegistry",
  "IPolicyRegistry",
  "IAttestationVerifier",
  "ITdxVerifier",
  "AttestationResultVerifier",
  "SimulatedVerifier",
  "IAgentAccount",
  "AgentAccount",
  "AgentSafeModule",
  "IAgentMemory",
  "IChainAdapter",
  "IOracleConsumer",
  "MockCoordinator",
] as const;

const Notes = z.object({ notice: z.string().optional() });
const Details = z.object({
  details: z.string().optional(),
  params: z.record(z.string(), z.string()).optional(),
  returns: z.record(z.string(), z.string()).optional(),
});
const Parameter: z.ZodType<Parameter> = z.lazy(() =>
  z.object({
    type: z.string(),
    name: z.string(),
    internalType: z.string().optional(),
    components: z.array(Parameter).optional(),
  }),
);
interface Parameter {
  readonly type: string;
  readonly name: string;
  readonly internalType?: string | undefined;
  readonly components?: readonly Parameter[] | undefined;
}
const Entry = z.object({
  type: z.string(),
  name: z.string().optional(),
  inputs: z.array(Parameter).default([]),
});

const Metadata = z.object({
  output: z.object({
    abi: z.array(Entry),
    devdoc: z.object({
      details: z.string().optional(),
      methods: z.record(z.string(), Details).default({}),
    }),
    userdoc: z.object({
      notice: z.string().optional(),
      methods: z.record(z.string(), Notes).default({}),
      errors: z.record(z.string(), z.array(Notes)).default({}),
      events: z.record(z.string(), Notes).default({}),
    }),
  }),
  settings: z.object({ compilationTarget: z.record(z.string(), z.string()) }),
});
type Metadata = z.output<typeof Metadata>;

/** Forge keeps a shortened form too; only the compiler's own text has the notes on errors and events. */
const Artifact = z.object({ rawMetadata: z.string() });

function readMetadata(name: string): Metadata {
  const [file] = globSync(`cache/contracts/out/**/${name}.json`, { cwd: ROOT });
  if (file === undefined) throw new Error(`no artifact of ${name}: run npm run build:contracts`);
  const { rawMetadata } = Artifact.parse(JSON.parse(readFileSync(join(ROOT, file), "utf8")));
  return Metadata.parse(JSON.parse(rawMetadata));
}

function canonicalType({ type, components }: Parameter): string {
  return components === undefined
    ? type
    : type.replace("tuple", `(${components.map(canonicalType).join(",")})`);
}

/** Signatures as the documentation is keyed by, and as a reader knows them: with names of structs and of parameters. */
function readableSignatures({ output }: Metadata): ReadonlyMap<string, string> {
  return new Map(
    output.abi.map(({ name = "", inputs }) => [
      `${name}(${inputs.map(canonicalType).join(",")})`,
      `${name}(${inputs.map(readableParameter).join(", ")})`,
    ]),
  );
}

function readableParameter({ type, name, internalType }: Parameter): string {
  const spelled = (internalType ?? type).replace(/^(?:struct|enum|contract) /, "");
  return `${spelled} ${name}`.trim();
}

/** "Establishes: … Does not establish: … Warning: …" arrive in one string; each begins a line of its own. */
function paragraphs(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text
    .replaceAll(/\s*(?=(?:Establishes|Does not establish|Warning): )/g, "\n\n")
    .trim()
    .split("\n\n")
    .map((line) => line.replace(/^(Establishes|Does not establish|Warning): /, "**$1:** "));
}

function list(entries: Readonly<Record<string, string>> | undefined, prefix: string): string[] {
  return Object.entries(entries ?? {}).map(([name, text]) => `- ${prefix}\`${name}\`: ${text}`);
}

function describe(name: string): string {
  const metadata = readMetadata(name);
  const { devdoc, userdoc } = metadata.output;
  const signatures = readableSignatures(metadata);
  const readable = (signature: string): string => signatures.get(signature) ?? signature;
  const [source] = Object.keys(metadata.settings.compilationTarget);
  const head = [userdoc.notice ?? "", ...paragraphs(devdoc.details)].flatMap((paragraph) => [paragraph, ""]);
  const lines = [`## ${name}`, "", `\`${source ?? ""}\``, "", ...head];
  const functions = [...new Set([...Object.keys(userdoc.methods), ...Object.keys(devdoc.methods)])].sort();
  for (const signature of functions.filter((method) => method !== "constructor")) {
    const details = devdoc.methods[signature];
    lines.push(`### \`${readable(signature)}\``, "", userdoc.methods[signature]?.notice ?? "", "");
    lines.push(...paragraphs(details?.details).flatMap((paragraph) => [paragraph, ""]));
    lines.push(...list(details?.params, ""), ...list(details?.returns, "returns "), "");
  }
  const errors = Object.entries(userdoc.errors).map(
    ([signature, [first]]) => [signature, first ?? {}] as const,
  );
  lines.push(...table("Event", mapNotes(Object.entries(userdoc.events), readable)));
  lines.push(...table("Error", mapNotes(errors, readable)));
  return lines.join("\n").replaceAll(/\n{3,}/g, "\n\n");
}

function mapNotes(
  notes: readonly (readonly [string, z.output<typeof Notes>])[],
  readable: (signature: string) => string,
): readonly (readonly [string, string])[] {
  return notes.map(([signature, { notice }]) => [readable(signature), notice ?? ""] as const);
}

function table(what: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const body = rows.map(([signature, notice]) => `| \`${signature}\` | ${notice.replaceAll("|", "\\|")} |`);
  return [`| ${what} | |`, "| --- | --- |", ...body, ""];
}

const page = [
  "# Contracts reference",
  "",
  "Generated from the NatSpec in `contracts/src` by `tools/write-contract-reference.ts`. What is hashed and signed is in",
  "[protocol.md](protocol.md).",
  "",
  "Deployment order: `EnclaveRegistry`, verifiers, `OracleCoordinator`, `AnswerChecker`, `OracleLens`;",
  "`contracts/script/Deploy.s.sol` does it and writes `contracts/deployments/{chainId}.json`.",
  "",
  ...CONTRACTS.map(describe),
].join("\n");
const text = await format(page, { ...(await resolveConfig(PAGE)), parser: "markdown" });

if (process.argv.includes("--check")) {
  if (readFileSync(PAGE, "utf8") !== text) {
    process.stderr.write(
      "docs/reference/contracts.md is not what the sources say: node tools/write-contract-reference.ts\n",
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(PAGE, text);
}
