/** A verdict for a person who has never seen a quote: what it is, what was checked with which values, what it means. */

import { ExitCode } from "../exit-codes.ts";
import type { VerifyOutcome, VerifyReport } from "./report.ts";

const TITLES: Readonly<Record<string, string>> = {
  sgx: "Intel SGX quote: an enclave inside an Intel processor",
  tdx: "Intel TDX quote: a virtual machine that an Intel processor isolates from its host",
  snp: "AMD SEV-SNP report: a virtual machine that an AMD processor isolates from its host",
  nitro: "AWS Nitro attestation document: an enclave on an EC2 instance",
  nvidia: "NVIDIA device evidence: GPUs or switches in confidential computing mode",
  azureSnp: "Azure vTPM evidence on AMD SEV-SNP: a confidential virtual machine of Azure",
  azureTdx: "Azure vTPM evidence on Intel TDX: a confidential virtual machine of Azure",
  dstack: "dstack guest on Intel TDX: an application in a virtual machine isolated from its host",
  simulator: "SIMULATED evidence: no hardware stands behind it, anyone can make it",
  certificate: "Certificate",
  receipt: "Receipt: an answer, and everything needed to check it",
  coseReceipt: "Receipt twin: the statement of an answer in COSE",
  unknown: "Not recognised",
};

const VERDICTS: Readonly<Partial<Record<ExitCode, string>>> = {
  [ExitCode.ok]: "VERIFIED: genuine, and accepted by the policy.",
  [ExitCode.notGenuine]: "NOT GENUINE.",
  [ExitCode.refused]: "REFUSED: genuine, but not what was asked for.",
  [ExitCode.cannotJudge]: "CANNOT JUDGE: something needed for a verdict is missing or out of date.",
  [ExitCode.notAppraised]:
    "GENUINE, NOT APPRAISED: anyone can own genuine hardware. Say what you accept with --policy FILE\n" +
    "(adyton verify FILE --init-policy POLICY writes one from what was seen here, for you to read and keep).",
  [ExitCode.usage]: "NO VERDICT: the command could not be carried out as it was given.",
};

export function describeOutcome({ exitCode, report }: VerifyOutcome): string {
  if (exitCode === ExitCode.usage && report.kind === "unknown") return describeUsage(report);
  const checks = report.checks.map(
    ({ name, ok, detail }) => [ok ? "ok  " : "FAIL", name, detail ?? ""] as const,
  );
  const claims = report.appraised === null && report.verified ? claimRows(report) : [];
  const width = Math.max(0, ...[...checks, ...claims].map(([, name]) => name.length));
  const row = ([mark, name, value]: Row): string => `  ${mark}  ${name.padEnd(width)}  ${value}`.trimEnd();
  const title = TITLES[report.kind] ?? report.kind;
  return [
    title,
    "",
    ...checks.map(row),
    ...(claims.length === 0
      ? []
      : ["", "  It claims, and nothing here says whether that is what you want:", ""]),
    ...claims.map(row),
    "",
    ...errorLines(report),
    VERDICTS[exitCode] ?? "",
    "",
  ].join("\n");
}

/** Nothing was looked at: there is nothing to say but what to do otherwise. */
function describeUsage({ error }: VerifyReport): string {
  const what = error === undefined ? "wrong usage" : `${error.message} [${error.code}]`;
  return `adyton verify: ${what}\n(adyton verify --help lists the options)\n`;
}

function errorLines({ error }: VerifyReport): readonly string[] {
  return error === undefined ? [] : [`${error.message} [${error.code}]`, ""];
}

/** Characters of a value shown: 64 bytes of report data in hex; longer ones are in the JSON. */
const MAX_VALUE_LENGTH = 130;

type Row = readonly [mark: string, name: string, value: string];

/** One row for each claim that says something; those that say nothing share the last. */
function claimRows(report: VerifyReport): readonly Row[] {
  const claims = flatten(report.claims, "");
  const silent = claims.filter(([, value]) => isSilent(value)).map(([name]) => name);
  const rows = claims
    .filter(([, value]) => !isSilent(value))
    .map(([name, value]): Row => ["    ", name, shorten(value)]);
  return silent.length === 0 ? rows : [...rows, ["    ", "zero or absent", silent.join(", ")]];
}

/** `hardware.mrTd` for a claim inside of another. */
function flatten(value: unknown, name: string): readonly (readonly [name: string, value: unknown])[] {
  if (typeof value !== "object" || value === null) return [[name, value]];
  const prefix = name === "" ? "" : `${name}.`;
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, `${prefix}${key}`));
}

function isSilent(value: unknown): boolean {
  return value === null || (typeof value === "string" && /^(?:0x0*)?$/.test(value));
}

function shorten(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}

/** Writes the outcome to stdout, and returns the exit status. */
export function printOutcome({ exitCode, report }: VerifyOutcome, json: boolean): ExitCode {
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : describeOutcome({ exitCode, report }));
  return exitCode;
}
