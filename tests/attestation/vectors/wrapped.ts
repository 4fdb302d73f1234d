/** Real evidence inside other evidence: Azure's vTPM, dstack, event logs. */

import { expect } from "vitest";
import { parseHclReport, parseRuntimeClaims } from "../../../attestation/azure/hcl-report.ts";
import { eventsOf, parseDstackEvidence } from "../../../attestation/dstack/dstack-evidence.ts";
import { parseCcel } from "../../../attestation/eventlog/ccel.ts";
import { replayRtmrs } from "../../../attestation/eventlog/rtmr.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { TD_REPORT_BODY } from "../../../attestation/intel/quote-layout.ts";
import { readField } from "../../../attestation/encoding/layout.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  readVector,
  readVectorFile,
  readVectorText,
  type VectorEntry,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";
import { endorsementsOf } from "./intel.ts";

interface TdxJudgement {
  readonly bundle: string;
  readonly time: string;
  readonly tcbStatus: string;
}

const AZURE_2026: TdxJudgement = {
  bundle: "tdx-00806f050000-tcb2026-01-27-e18-v3-1066",
  time: "2026-02-11T09:25:52Z",
  tcbStatus: "OutOfDate",
};
const FEBRUARY: TdxJudgement = {
  bundle: "tdx-90c06f000000-tcb2026-02-18-e18-v3-6a67",
  time: "2026-03-05T10:50:03Z",
  tcbStatus: "UpToDate",
};
const JUNE: TdxJudgement = {
  bundle: "tdx-90c06f000000-tcb2026-06-08-e19-v3-6a1c",
  time: "2026-06-23T11:56:35Z",
  tcbStatus: "UpToDate",
};

/** Endorsements of the platform of each TDX entry, a time at which they are in date, and the quote's verdict. */
const TDX: Readonly<Record<string, TdxJudgement>> = {
  "azure-vtpm/trustee_az-tdx-evidence-v0.json": AZURE_2026,
  "azure-vtpm/trustee_az-tdx-evidence-v1.json": AZURE_2026,
  "azure-vtpm/flashbots/azure-tdx-with-ak-intermediates-1780922561.yaml": FEBRUARY,
  "eventlog/dstack_quote-report.json": FEBRUARY,
  "eventlog/dstack_tdx-lite-getquote.json": JUNE,
  "eventlog/dstack_tdx-lite-attestation.json": JUNE,
};

/** A time at which the VCEKs of the SNP entries are valid. */
const SNP_TIME = "2026-01-01T00:00:00Z";

async function judge(file: string, bytes: Uint8Array) {
  const tdx = TDX[file];
  const now = Date.parse(tdx?.time ?? SNP_TIME) / 1000;
  const intel = tdx === undefined ? {} : { intel: endorsementsOf(`collateral/bundles/${tdx.bundle}.json`) };
  const verified = await verifyEvidence(bytes, intel, { now });
  expect(verified.tcbStatus).toBe(tdx?.tcbStatus ?? null);
  expect(codeOf(() => appraiseEvidence(verified, proposePolicy(verified), { now }))).toBe("nothing thrown");
  return verified;
}

export const azureRunner: VectorRunner = {
  kinds: ["azure-vtpm"],
  run: async (entry) => {
    const { file } = entry;
    if (file.endsWith("hclreport.bin")) expectHclReport(entry);
    else if (file.endsWith(".yaml") && TDX[file] !== undefined)
      await expectAzure(entry, fromYaml(readVectorText(file)));
    else if (entry.expected.startsWith("VALID")) await expectAzure(entry, readVector(entry));
    // Collateral by itself (Intel's, judged with the quotes that it serves), reference values, and a root above AK
    // certificates, which we need not: the hardware vouches for the key.
    else expect(entry.expected).toMatch(/^collateral|^evidence$|^trust anchor$/);
  },
};

async function expectAzure(entry: VectorEntry, bytes: Uint8Array): Promise<void> {
  const verified = await judge(entry.file, bytes);
  expect(verified.kind).toBe(TDX[entry.file] === undefined ? "azureSnp" : "azureTdx");
  if (!("vtpm" in verified.claims)) throw new Error("no vTPM claims");
  expect(Object.keys(verified.claims.vtpm.pcrs).length).toBeGreaterThan(0);
}

function expectHclReport(entry: VectorEntry): void {
  const report = parseHclReport(readVector(entry));
  expect(report.hardware).toBe("tdx");
  expect(parseRuntimeClaims(report.runtimeClaims).attestationKey.modulus.length).toBe(256);
}

/** The members that matter, of one project's YAML: folded base64url, and lists of bytes. */
function fromYaml(text: string): Uint8Array {
  const folded = (name: string) => new RegExp(`^${name}: >-\\n  (\\S+)$`, "m").exec(text)?.[1];
  const section = (from: string, to: string) => text.slice(text.indexOf(from), text.indexOf(to));
  const bytes = (lines: string) => [...lines.matchAll(/- (\d+)$/gm)].map(([, digits]) => Number(digits));
  const pcrs = section("    pcrs:", "\n  event_log").split("    - - ").slice(1);
  return toUtf8(
    JSON.stringify({
      hcl_report: folded("hcl_report_base64"),
      td_quote: folded("tdx_quote_base64"),
      tpm_quote: {
        signature: bytes(section("    signature:", "    message:")),
        message: bytes(section("    message:", "    pcrs:")),
        pcrs: pcrs.map((pcr) => bytes(`- ${pcr}`)),
      },
    }),
  );
}

/** CCEL logs, and the quote whose RTMR 0 to 2 each explains; or does not, and why. */
const CCEL: Readonly<Record<string, readonly [quote: string, rtmrs: readonly boolean[]]>> = {
  "eventlog/go-tdx-guest_ccel_data.dat": ["tdx-v4/go-tdx-guest__cos-113-tdx-quote.bin", [true, true, true]],
  "eventlog/attestation-rs_tdx_ccel_live2.dat": [
    "tdx-v4/attestation-rs__tdx_quote_live.bin",
    [true, true, true],
  ],
  "eventlog/attestation-rs_tdx_ccel_live.bin": [
    "tdx-v4/attestation-rs__tdx_quote_live.bin",
    [true, true, false],
  ],
};

export const eventLogRunner: VectorRunner = {
  kinds: ["eventlog", "dstack"],
  run: async (entry) => {
    const ccel = CCEL[entry.file];
    if (ccel !== undefined) expectReplay(entry, ...ccel);
    else if (TDX[entry.file] !== undefined) await expectDstack(entry);
    else if (entry.file === "eventlog/dstack_ccel.bin") expect(parseCcel(readVector(entry)).length).toBe(18);
    else if (entry.file.startsWith("parser/cos-113")) expectPaddedQuote(entry);
    else if (entry.file.startsWith("parser/dstack")) expectVersionedAttestation(entry);
    else await expectSnpAttestation(entry);
  },
};

function expectReplay(entry: VectorEntry, file: string, expected: readonly boolean[]): void {
  const { body } = parseQuote(readVectorFile(file));
  const replayed = replayRtmrs(parseCcel(readVector(entry)));
  const registers = [TD_REPORT_BODY.rtMr0, TD_REPORT_BODY.rtMr1, TD_REPORT_BODY.rtMr2];
  const agrees = registers.map((field, index) => toHex(replayed[index]!) === toHex(readField(body, field)));
  expect(agrees).toEqual(expected);
}

async function expectDstack(entry: VectorEntry): Promise<void> {
  const verified = await judge(entry.file, readVector(entry));
  if (verified.kind !== "dstack") throw new Error(`recognised as ${verified.kind}`);
  const { app } = verified.claims;
  // Of both guests the app id is the head of the compose hash that they were first deployed with.
  expect(app.composeHash?.startsWith(app.appId!)).toBe(true);
}

/** A buffer of the kernel's, zero-padded to 8000 bytes: the padding is no part of the quote. */
function expectPaddedQuote(entry: VectorEntry): void {
  expect(codeOf(() => parseQuote(readVector(entry)))).toBe("nothing thrown");
}

function expectVersionedAttestation(entry: VectorEntry): void {
  const attestation = parseDstackEvidence(readVector(entry));
  if (attestation.platform.kind !== "tdx") throw new Error(`over ${attestation.platform.kind}`);
  const { body } = parseQuote(attestation.platform.quote);
  expect(toHex(replayRtmrs(eventsOf(attestation))[3]!)).toBe(toHex(readField(body, TD_REPORT_BODY.rtMr3)));
}

/** dstack over SEV-SNP, whose chain is beside the report, and its HOST_DATA the hash of the configuration. */
async function expectSnpAttestation(entry: VectorEntry): Promise<void> {
  const verified = await verifyEvidence(readVector(entry), {}, { now: 1_782_000_000 });
  if (verified.kind !== "dstackSnp") throw new Error(`recognised as ${verified.kind}`);
  expect(verified.claims.app.composeHash).toMatch(/^0x[0-9a-f]{64}$/);
}
