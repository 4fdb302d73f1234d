/** Targets of AMD, AWS, NVIDIA, Azure and dstack: whole verifications under roots of our own, and each parser. */

import { parseCertificateTable } from "../../attestation/amd/certificate-table.ts";
import { verifySnpReportUnder } from "../../attestation/amd/verify-snp-report.ts";
import { verifyNitroDocumentUnder } from "../../attestation/aws/verify-nitro-document.ts";
import { verifyAzureSnpEvidenceUnder } from "../../attestation/azure/verify-azure-evidence.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeCbor } from "../../attestation/encoding/cbor.ts";
import { verifyDstackEvidenceUnder } from "../../attestation/dstack/verify-dstack-evidence.ts";
import { parseCcel } from "../../attestation/eventlog/ccel.ts";
import { recogniseEvidence } from "../../attestation/evidence/recognise-evidence.ts";
import { parseNvidiaEvidence } from "../../attestation/nvidia/nvidia-evidence.ts";
import { verifyNvidiaEvidenceUnder } from "../../attestation/nvidia/verify-nvidia-evidence.ts";
import { parseNvidiaEndorsements } from "../../attestation/nvidia/nvidia-endorsements.ts";
import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import { AMD_NOW, mintAmdWorld } from "../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld } from "../support/fake-aws.ts";
import { azurePlan, mintAzureParts, runtimeClaims, toAzureJson } from "../support/fake-azure.ts";
import { END, event, SHA384, specIdEvent } from "../support/fake-ccel.ts";
import { EVENTS, mintDstackQuote, toQuoteResponse, toVersionedAttestation } from "../support/fake-dstack.ts";
import { FAKE_TRUST, NOW } from "../support/fake-intel.ts";
import { mintNvidiaWorld, NVIDIA_NOW, toEvidenceJson } from "../support/fake-nvidia.ts";
import { mintOcsp } from "../support/fake-ocsp.ts";
import type { FuzzTarget } from "./target.ts";

const amd = mintAmdWorld({ crl: {} });
const aws = mintAwsWorld();
const nvidia = mintNvidiaWorld();
const dstack = mintDstackQuote(EVENTS);

const snp: FuzzTarget = {
  kind: "snp",
  seeds: async () => [await (await amd).signReport()],
  run: async (input) => {
    const { roots, endorsements } = await amd;
    return (await verifySnpReportUnder(roots, input, { endorsements, now: AMD_NOW })).claims;
  },
};

const nitro: FuzzTarget = {
  kind: "nitro",
  seeds: async () => [(await aws).document],
  run: async (input) => (await verifyNitroDocumentUnder((await aws).roots, input, { now: AWS_NOW })).claims,
};

const spdm: FuzzTarget = {
  kind: "nvidia",
  seeds: async () => [new Uint8Array((await nvidia).device.evidence)],
  run: async (evidence) => {
    const { roots, device } = await nvidia;
    return (await verifyNvidiaEvidenceUnder(roots, [{ ...device, evidence }], { now: NVIDIA_NOW })).claims;
  },
};

const nvidiaJson: FuzzTarget = {
  kind: "nvidia-json",
  seeds: async () => [toEvidenceJson([(await nvidia).device])],
  run: async (input) => {
    const { roots } = await nvidia;
    return (await verifyNvidiaEvidenceUnder(roots, parseNvidiaEvidence(input), { now: NVIDIA_NOW })).claims;
  },
};

/** An answer is relied on where it speaks of every certificate: changed, it may fall away, and must not say more. */
const ocsp: FuzzTarget = {
  kind: "ocsp",
  seeds: async () => [await mintOcsp(await nvidia)],
  run: async (input) => {
    const { roots, device } = await nvidia;
    const endorsements = parseNvidiaEndorsements({ ocsp: [input], crls: [] });
    const verified = await verifyNvidiaEvidenceUnder(roots, [device], { now: NVIDIA_NOW, endorsements });
    if (verified.claims.revocation === "checked") return verified.claims;
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: "it does not speak of every certificate",
    });
  },
};

async function mintAzureEvidence(): Promise<Uint8Array<ArrayBuffer>> {
  const plan = azurePlan({ trailing: new Uint8Array() });
  const world = await amd;
  const reportData = concatBytes(sha256(await runtimeClaims(plan)), new Uint8Array(32));
  const parts = await mintAzureParts(plan, await world.signReport({ reportData }));
  return toUtf8(JSON.stringify(toAzureJson(parts)));
}

const azure: FuzzTarget = {
  kind: "azure-snp",
  seeds: async () => [await mintAzureEvidence()],
  run: async (input) => {
    const { roots, endorsements } = await amd;
    return (await verifyAzureSnpEvidenceUnder(roots, input, { endorsements, now: AMD_NOW })).claims;
  },
};

const dstackLog: FuzzTarget = {
  kind: "dstack",
  seeds: async () => {
    const { quote } = await dstack;
    return [toQuoteResponse(quote, EVENTS), toVersionedAttestation(quote, EVENTS)];
  },
  run: async (input) => {
    const context = { endorsements: (await dstack).endorsements(), now: NOW, trust: FAKE_TRUST };
    return (await verifyDstackEvidenceUnder(input, context)).claims;
  },
};

/** Parsers of what nobody signs: anything that they accept is as good as anything else. */
const parser = (
  kind: string,
  seed: Uint8Array<ArrayBuffer>,
  parse: (input: Uint8Array<ArrayBuffer>) => unknown,
): FuzzTarget => ({
  kind,
  seeds: () => Promise.resolve([seed]),
  run: (input) => {
    parse(input);
    return Promise.resolve(undefined);
  },
});

const CCEL = concatBytes(
  specIdEvent(),
  ...[1, 2, 3, 4].map((register) => event(register, [[SHA384, new Uint8Array(48).fill(register)]])),
  END,
);
const TABLE = concatBytes(
  Uint8Array.of(
    0xc0,
    0xb4,
    0x06,
    0xa4,
    0xa8,
    0x03,
    0x49,
    0x52,
    0x97,
    0x43,
    0x3f,
    0xb6,
    0x01,
    0x4c,
    0xd0,
    0xae,
  ),
  Uint8Array.of(48, 0, 0, 0, 2, 0, 0, 0),
  new Uint8Array(24),
  Uint8Array.of(1, 2),
);
const CBOR = Uint8Array.of(
  0xa3,
  0x61,
  0x61,
  0x82,
  0x01,
  0x20,
  0x61,
  0x62,
  0x44,
  1,
  2,
  3,
  4,
  0x61,
  0x63,
  0xbf,
  0x01,
  0xf6,
  0xff,
);

/** Every kind's marks, tried on every kind's bytes: it may take one for another, and must not fall over. */
const recognition: FuzzTarget = {
  kind: "recognition",
  seeds: async () =>
    (await Promise.all([snp, nitro, nvidiaJson, azure, dstackLog].map(({ seeds }) => seeds()))).flat(),
  run: (input) => {
    recogniseEvidence(input);
    return Promise.resolve(undefined);
  },
};

export const VENDOR_TARGETS: readonly FuzzTarget[] = [
  snp,
  nitro,
  spdm,
  nvidiaJson,
  ocsp,
  azure,
  dstackLog,
  parser("ccel", CCEL, parseCcel),
  parser("certificate-table", TABLE, parseCertificateTable),
  parser("cbor", CBOR, (input) =>
    decodeCbor(input, { maxBytes: 4096, maxDepth: 4, maxItems: 64, containers: "definite-or-indefinite" }),
  ),
  recognition,
];
