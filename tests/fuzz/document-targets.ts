/** Targets of what is wrapped or comes from further sources: MessagePack, gzip, XML, tokens, documents, NitroTPM, dstack. */

import { gzipSync } from "node:zlib";
import { encodeReportFields } from "../../attestation/amd/report-fields.ts";
import { verifyNitroTpmDocumentUnder } from "../../attestation/aws/verify-nitro-document.ts";
import { parseMessagePackAttestation } from "../../attestation/dstack/message-pack-attestation.ts";
import { parseScaleAttestation } from "../../attestation/dstack/scale-attestation.ts";
import { verifyDstackSnpEvidenceUnder } from "../../attestation/dstack/verify-dstack-evidence.ts";
import { gunzip } from "../../attestation/encoding/gzip.ts";
import { decodeMessagePack } from "../../attestation/encoding/message-pack.ts";
import { findEvidence } from "../../attestation/evidence/find-evidence.ts";
import { verifyNvidiaManifestUnder } from "../../attestation/nvidia/reference-manifest.ts";
import { parseResultToken } from "../../attestation/results/result-token.ts";
import { canonicalise } from "../../attestation/xml/canonical-xml.ts";
import { parseXml } from "../../attestation/xml/xml-reader.ts";
import { toHex, toUtf8 } from "../../protocol/bytes.ts";
import { AMD_NOW, mintAmdWorld } from "../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld, pcrs } from "../support/fake-aws.ts";
import { toCocoEvidence, toReportFields } from "../support/fake-coco.ts";
import { EVENTS, mrConfigOf, pack, toMessagePack, toScale } from "../support/fake-dstack.ts";
import { MANIFEST_NOW, mintManifest } from "../support/fake-manifest.ts";
import { mintNvidiaWorld, toEvidenceJson } from "../support/fake-nvidia.ts";
import type { FuzzTarget } from "./target.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Unpacked in several steps, as a larger one is, and in a hundredth of its time: what a whole bomb may cost, its own tests say. */
const BOMB_BYTES = 128 * 1024;
const reportData = new Uint8Array(64).fill(0xd0);
const amd = mintAmdWorld();
const aws = mintAwsWorld({ fields: { pcrs: undefined, nitrotpm_pcrs: pcrs() } });
const manifest = mintManifest();

/** Parsers of what nobody signs: anything that they accept is as good as anything else. */
const parser = (
  kind: string,
  seeds: () => Promise<readonly Bytes[]>,
  parse: (input: Bytes) => unknown,
): FuzzTarget => ({
  kind,
  seeds,
  run: (input) => {
    parse(input);
    return Promise.resolve(undefined);
  },
});

const token = (): Bytes => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return toUtf8(`${part({ alg: "ES384", kid: "k" })}.${part({ iss: "https://a.example", iat: 1 })}.AAAA`);
};

/** What gateways answer, with bombs beside the evidence. */
async function documents(): Promise<readonly Bytes[]> {
  const { device } = await mintNvidiaWorld();
  const devices = JSON.parse(new TextDecoder().decode(toEvidenceJson([device]))) as unknown;
  const report = await (await amd).signReport();
  const zip = (bytes: Uint8Array): string => Buffer.from(gzipSync(bytes)).toString("base64");
  const json = (value: unknown): Bytes => toUtf8(JSON.stringify(value));
  return [
    json({ report: toHex(report).slice(2), nvidia_payload: JSON.stringify({ evidence_list: devices }) }),
    json({ body: zip(report) }),
    json({ body: zip(new Uint8Array(BOMB_BYTES)), report: toHex(report).slice(2) }),
    json(toCocoEvidence(toReportFields(report, "Milan"), Uint8Array.of(0x30, 0x82, 1, 1))),
  ];
}

const snpAttestation = async (): Promise<readonly Bytes[]> => {
  const { document, hostData } = mrConfigOf();
  const report = await (await amd).signReport({ hostData });
  const platform = { kind: "snp", report, certificates: [], mrConfig: document } as const;
  const attestation = { platform, events: [], reportData };
  return [toScale(attestation), toMessagePack(attestation)];
};

const tdxAttestation = (encode: typeof toScale) => () =>
  Promise.resolve([
    encode({ platform: { kind: "tdx", quote: Uint8Array.of(4, 0) }, events: EVENTS, reportData }),
  ]);

export const DOCUMENT_TARGETS: readonly FuzzTarget[] = [
  parser(
    "message-pack",
    () => Promise.resolve([pack({ a: [1, "b", Uint8Array.of(1)], c: { d: 70_000 } })]),
    (input) => decodeMessagePack(input, { maxBytes: 4096, maxDepth: 4, maxItems: 256 }),
  ),
  parser(
    "gzip",
    () =>
      Promise.resolve([
        new Uint8Array(gzipSync(reportData)),
        new Uint8Array(gzipSync(new Uint8Array(BOMB_BYTES))),
      ]),
    (input) => gunzip(input, { bytesLeft: 2 * BOMB_BYTES }),
  ),
  parser("dstack-scale", tdxAttestation(toScale), parseScaleAttestation),
  parser("dstack-message-pack", tdxAttestation(toMessagePack), parseMessagePackAttestation),
  parser(
    "xml",
    async () => [(await manifest).xml, toUtf8('<a xmlns:b="urn:b" b:c="&#9;"><b:d/>t</a>')],
    (input) => canonicalise(parseXml(input)),
  ),
  parser(
    "result-token",
    () => Promise.resolve([token(), toUtf8(`[["JWT","${new TextDecoder().decode(token())}"],{}]`)]),
    parseResultToken,
  ),
  parser("documents", documents, findEvidence),
  parser(
    "report-fields",
    async () => [toUtf8(JSON.stringify(toReportFields(await (await amd).signReport(), "Milan")))],
    (input) => encodeReportFields(tryJson(input)),
  ),
  {
    kind: "nvidia-manifest",
    seeds: async () => [(await manifest).xml],
    run: async (input) => {
      const { byIndex, version, component } = await verifyNvidiaManifestUnder((await manifest).roots, input, {
        now: MANIFEST_NOW,
      });
      return { byIndex, version, component };
    },
  },
  {
    kind: "nitro-tpm",
    seeds: async () => [(await aws).document],
    run: async (input) =>
      (await verifyNitroTpmDocumentUnder((await aws).roots, input, { now: AWS_NOW })).claims,
  },
  {
    kind: "dstack-snp",
    seeds: snpAttestation,
    run: async (input) => {
      const { roots, endorsements } = await amd;
      return (await verifyDstackSnpEvidenceUnder(roots, input, { endorsements, now: AMD_NOW })).claims;
    },
  },
];

function tryJson(input: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(input));
  } catch {
    return undefined;
  }
}
