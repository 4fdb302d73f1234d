/** Is an NVIDIA device's evidence genuine? Orders the steps; each is elsewhere. */

import { equalBytes, toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { checkUnixSeconds, type UnixSeconds } from "../unix-time.ts";
import { sealVerified, type Check, type VerifiedEvidence } from "../verified-evidence.ts";
import { createCertificateCache } from "../x509/certificate-cache.ts";
import type { Certificate } from "../x509/certificate.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import { toNvidiaClaims, type NvidiaClaims } from "./claims.ts";
import { readFirmwareIds } from "./firmware-id.ts";
import type { NvidiaEvidence } from "./nvidia-evidence.ts";
import { parseOpaqueData } from "./opaque-data.ts";
import { NVIDIA_ROOTS } from "./roots.ts";
import { parseSpdmMeasurements } from "./spdm-measurements.ts";

/** Identity and provisioning CAs of a few architectures: about 1 kB each. */
const MAX_CACHED_CERTIFICATES = 64;

const authorities = createCertificateCache(MAX_CACHED_CERTIFICATES);

/**
 * Genuine evidence: a GPU or switch of NVIDIA's signed these measurements in answer to `claims.nonce`, with firmware
 * that its certificate names.
 *
 * Leaves to the caller: that the nonce is theirs (`checkGpuBinding`), the measurements (reference values from
 * NVIDIA's RIMs), and revocation: NVIDIA answers by OCSP only, for the moment of the question, which no function of
 * bytes and time can ask.
 *
 * Source: DMTF DSP0274 1.1.0 §10.11.1 (signature); github.com/NVIDIA/nvtrust, local_gpu_verifier.
 *
 * @throws {EvidenceError} not genuine
 */
export async function verifyNvidiaEvidence(
  evidence: NvidiaEvidence,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nvidia">> {
  return await verifyNvidiaEvidenceUnder(NVIDIA_ROOTS, evidence, { now });
}

/** `verifyNvidiaEvidence` under other roots: for tests. */
export async function verifyNvidiaEvidenceUnder(
  roots: readonly TrustAnchor[],
  evidence: NvidiaEvidence,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nvidia">> {
  checkUnixSeconds(now);
  const spdm = parseSpdmMeasurements(evidence.evidence);
  const opaque = parseOpaqueData(spdm.opaqueData);
  const [leaf, ...pool] = parseChain(evidence.certificateChain);
  const path = await verifyPath(leaf, {
    pool,
    roots,
    now,
    revocation: { notPublished: "NVIDIA answers by OCSP only" },
  });
  authorities.keep(path.certificates.slice(1));
  await checkSignature("SPDM measurements", {
    key: leaf.publicKey,
    scheme: ECDSA_SHA384,
    data: spdm.signedRegion,
    signature: spdm.signature,
  });
  checkFirmware(leaf, opaque.firmwareId);
  const claims = toNvidiaClaims(spdm, opaque, describeDevice(path));
  return sealVerified({
    kind: "nvidia",
    claims,
    debug: false,
    reportData: claims.nonce,
    platformId: claims.ueid,
    tcbStatus: null,
    advisories: [],
    window: path.window,
    issuedAt: null,
    verifiedAt: now,
    checks: describe(claims, path),
  });
}

const ascii = new TextDecoder("latin1");

function parseChain(pem: Uint8Array): readonly [Certificate, ...Certificate[]] {
  const [leaf, ...others] = splitPem(ascii.decode(pem), "CERTIFICATE").map((body) =>
    authorities.parse(fromBase64(body)),
  );
  if (leaf === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "NVIDIA evidence comes with the device's certificates in PEM",
    });
  }
  return [leaf, ...others];
}

/** The firmware that holds the signing key must be the one that answered; switches and old firmware do not say. */
function checkFirmware(leaf: Certificate, firmwareId: Uint8Array<ArrayBuffer> | null): void {
  if (firmwareId === null) {
    return;
  }
  if (!readFirmwareIds(leaf).some((certified) => equalBytes(certified, firmwareId))) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the device's firmware is not the one that its certificate was issued for",
      details: { firmwareId: toHex(firmwareId) },
    });
  }
}

function describeDevice({
  certificates: [leaf, issuer],
}: VerifiedPath): Pick<NvidiaClaims, "hardwareModel" | "ueid"> {
  return { hardwareModel: issuer?.label ?? "", ueid: leaf?.serial ?? "0x" };
}

function describe(claims: NvidiaClaims, path: VerifiedPath): readonly Check[] {
  const chain = path.certificates.map(({ label }) => label).join(" < ");
  const driver = claims.driverVersion === null ? "no driver" : `driver ${claims.driverVersion}`;
  return [
    { name: "certificate chain", ok: true, detail: `${chain}, root ${path.anchor.name} pinned` },
    { name: "revocation", ok: true, detail: "not checked: NVIDIA answers by OCSP only" },
    {
      name: "measurement signature",
      ok: true,
      detail: `${Object.keys(claims.measurements).length} measurements, ${driver}, VBIOS ${claims.vbiosVersion ?? "not given"}`,
    },
    { name: "firmware", ok: true, detail: claims.firmwareId ?? "the device does not say" },
  ];
}
