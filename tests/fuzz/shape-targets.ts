/** Documents in JSON whose members are of other kinds than expected: judged, and read, as the command line does. Never thrown but by our taxonomy. */

import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { sha256 } from "@noble/hashes/sha2.js";
import { findEvidence } from "../../attestation/evidence/find-evidence.ts";
import { createSourceOfFiles } from "../../attestation/endorsements/files/source-of-files.ts";
import { parsePolicyFile } from "../../attestation/policy/policy-file.ts";
import { appraiseResult } from "../../attestation/results/appraise-result.ts";
import { parseResultPolicy, parseResultPolicyFile } from "../../attestation/results/result-policy.ts";
import { verifyResult } from "../../attestation/results/verify-result.ts";
import { endorsementsBeside } from "../../attestation/verdict/endorsements-beside.ts";
import { judgeEvidence } from "../../attestation/verdict/judge-evidence.ts";
import { judgeReceipt } from "../../attestation/verdict/judge-receipt.ts";
import { describeInspection, inspect } from "../../cli/inspect/inspect.ts";
import { describeOutcome } from "../../cli/verify/describe.ts";
import { toOutcome } from "../../cli/verify/report.ts";
import { concatBytes, fromUtf8, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { mintAmdWorld } from "../support/fake-amd.ts";
import { azurePlan, mintAzureParts, runtimeClaims, toAzureJson } from "../support/fake-azure.ts";
import { toCocoEvidence, toReportFields } from "../support/fake-coco.ts";
import { EVENTS, mintDstackQuote, toQuoteResponse } from "../support/fake-dstack.ts";
import { NOW } from "../support/fake-intel.ts";
import { mintNvidiaWorld, toEvidenceJson } from "../support/fake-nvidia.ts";
import { bundleFile } from "../support/intel-documents.ts";
import { createSampleReceipt } from "../support/sample-receipt.ts";
import { mutateShape } from "./shape-mutation.ts";
import type { FuzzTarget } from "./target.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const intel = mintDstackQuote(EVENTS);

const json = (value: unknown): Bytes => toUtf8(JSON.stringify(value));
const example = (name: string): Bytes =>
  new Uint8Array(readFileSync(new URL(`../../examples/evidence/${name}`, import.meta.url)));

/** Nothing is established where anything may be written: that it ends in words of ours is all. */
const shapes = (
  kind: string,
  seeds: () => Promise<readonly Bytes[]>,
  read: (input: Bytes) => unknown,
): FuzzTarget => ({
  kind: `shapes/${kind}`,
  seeds,
  mutate: mutateShape,
  run: async (input) => {
    await read(input);
    return undefined;
  },
});

async function documents(): Promise<readonly Bytes[]> {
  const amd = await mintAmdWorld();
  const report = await amd.signReport();
  const devices = JSON.parse(
    new TextDecoder().decode(toEvidenceJson([(await mintNvidiaWorld()).device])),
  ) as unknown;
  const dstack = await intel;
  const plan = azurePlan();
  const digest = concatBytes(sha256(await runtimeClaims(plan)), new Uint8Array(32));
  const azure = await mintAzureParts(plan, await amd.signReport({ reportData: digest }));
  return [
    toQuoteResponse(dstack.quote, EVENTS),
    json({
      intel_quote: toHex(dstack.quote).slice(2),
      nvidia_payload: JSON.stringify({ evidence_list: devices }),
    }),
    json(toCocoEvidence(toReportFields(report, "Milan"), Uint8Array.of(0x30, 0x82, 1, 1))),
    json(toAzureJson(azure)),
    json(devices),
    json({ provider: "sev_guest", outblob: Buffer.from(report).toString("base64"), auxblob: "" }),
    json({ quote: Buffer.from(dstack.quote).toString("base64"), collateral: dstack.collateral }),
  ];
}

/** Everything that the command says of a file, with every check and claim of it. */
async function judgeAll(bytes: Bytes): Promise<void> {
  const options = { now: NOW, policy: null, nonce: null, reportData: null };
  const findEndorsements = endorsementsBeside({ name: "it", bytes }, NOW);
  const { verdict } = await judgeEvidence(bytes, { ...options, findEndorsements });
  describeOutcome(toOutcome(verdict), { full: true });
  for (const piece of findEvidence(bytes)) piece.evidence?.claims();
  describeInspection(inspect(bytes), true);
}

const issuer = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ISSUER = "https://issuer.example";
const resultPolicy = {
  version: 1,
  believe: [
    {
      issuer: ISSUER,
      keys: [{ kty: "EC", ...issuer.publicKey.export({ format: "jwk" }), kid: "k" }],
      audience: { oneOf: ["me"] },
    },
  ],
  claims: [
    { path: "submods.cpu.ear.status", oneOf: ["affirming"] },
    { path: "GPU-0.measres", oneOf: ["success"] },
  ],
  maxAgeSeconds: 60,
} as const;

/** The issuer is believed and wrote it: what it says may still be of any kind. */
async function appraiseSigned(input: Bytes): Promise<void> {
  const parts = (JSON.parse(fromUtf8(input).replace(/^\ufeff/, "")) ?? {}) as Record<string, unknown>;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value ?? null)).toString("base64url");
  const signed = `${part(parts["header"])}.${part(parts["claims"])}`;
  const signature = sign("sha256", Buffer.from(signed), {
    key: issuer.privateKey,
    dsaEncoding: "ieee-p1363",
  });
  const policy = parseResultPolicy(resultPolicy);
  const token = toUtf8(`${signed}.${signature.toString("base64url")}`);
  const result = await verifyResult(token, { believe: policy.believe, now: NOW });
  appraiseResult(result, policy, { now: NOW });
}

const RESULT = {
  header: { alg: "ES256", kid: "k", typ: "JWT" },
  claims: {
    ...{
      iss: ISSUER,
      iat: NOW - 5,
      nbf: NOW - 5,
      exp: NOW + 60,
      aud: ["me"],
      eat_profile: "tag:x,2023:v/ear",
    },
    ...{
      submods: { cpu: { "ear.status": "affirming", ear: { status: "affirming" } } },
      "GPU-0": { measres: "success" },
    },
  },
};

export const SHAPE_TARGETS: readonly FuzzTarget[] = [
  shapes("documents", documents, judgeAll),
  shapes("results", () => Promise.resolve([json(RESULT)]), appraiseSigned),
  shapes(
    "result-policy",
    () => Promise.resolve([json(resultPolicy)]),
    (input) => parseResultPolicyFile(input, "it"),
  ),
  shapes(
    "policy",
    () => Promise.resolve([example("simulated-policy.json")]),
    (input) => parsePolicyFile(input, "it"),
  ),
  shapes(
    "endorsements",
    async () => [bundleFile(await intel).bytes],
    async (bytes) => await createSourceOfFiles([{ name: "it.json", bytes }]).find((await intel).quote, NOW),
  ),
  shapes(
    "receipt",
    async () => [
      new Uint8Array(await createSampleReceipt({ where: "on chain" })),
      example("simulated-receipt.json"),
    ],
    async (input) => await judgeReceipt(input, { policy: null, further: null }),
  ),
];
