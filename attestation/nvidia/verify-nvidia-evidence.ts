/** Is the evidence of NVIDIA devices genuine? Orders the steps; each is elsewhere. */

import { equalBytes, toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { checkUnixSeconds, intersectWindows, type UnixSeconds } from "../time/unix-time.ts";
import { sealVerified, type Check, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { createCertificateCache } from "../x509/certificate-cache.ts";
import type { Certificate } from "../x509/certificate.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import { toNvidiaDeviceClaims, type NvidiaDeviceClaims } from "./claims.ts";
import { readFirmwareIds } from "./firmware-id.ts";
import { parseNvidiaEvidence, type NvidiaEvidence } from "./nvidia-evidence.ts";
import { parseOpaqueData } from "./opaque-data.ts";
import { NVIDIA_ROOTS } from "./roots.ts";
import { parseSpdmMeasurements } from "./spdm-measurements.ts";

/** Identity and provisioning CAs of a few architectures: about 1 kB each. */
const MAX_CACHED_CERTIFICATES = 64;

const authorities = createCertificateCache(MAX_CACHED_CERTIFICATES);

/**
 * Genuine evidence: each of these GPUs and switches is NVIDIA's, and signed its measurements in answer to one nonce,
 * with firmware that its certificate names.
 *
 * Leaves to the caller: that the nonce is theirs (`checkGpuBinding`), the measurements (reference values from
 * NVIDIA's RIMs), and revocation: NVIDIA answers by OCSP only, for the moment of the question, which no function of
 * bytes and time can ask.
 *
 * Source: DMTF DSP0274 1.1.0 §10.11.1 (signature); github.com/NVIDIA/nvtrust, local_gpu_verifier.
 *
 * @param evidence JSON of `nvidia-evidence.ts`, or what it parses to
 * @throws {EvidenceError} not genuine
 */
export async function verifyNvidiaEvidence(
  evidence: Uint8Array | NvidiaEvidence,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nvidia">> {
  const devices = evidence instanceof Uint8Array ? parseNvidiaEvidence(evidence) : evidence;
  return await verifyNvidiaEvidenceUnder(NVIDIA_ROOTS, devices, { now });
}

/** `verifyNvidiaEvidence` of devices that are parsed already, under other roots: for tests. */
export async function verifyNvidiaEvidenceUnder(
  roots: readonly TrustAnchor[],
  evidence: NvidiaEvidence,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"nvidia">> {
  checkUnixSeconds(now);
  const verified: VerifiedDevice[] = [];
  for (const device of evidence) {
    verified.push(await verifyDevice(device, roots, now));
  }
  const nonce = singleNonce(verified);
  const devices = verified.map(({ claims }) => claims);
  const [first, second] = devices;
  return sealVerified({
    kind: "nvidia",
    claims: { nonce, devices, revocation: "not-checked" },
    debug: false,
    reportData: nonce,
    platformId: first !== undefined && second === undefined ? first.ueid : null,
    tcbStatus: null,
    advisories: [],
    window: intersectWindows(verified.map(({ path }) => path.window)),
    issuedAt: null,
    verifiedAt: now,
    checks: verified.flatMap((device, index) =>
      describe(device, verified.length === 1 ? "" : `device ${index + 1}: `),
    ),
  });
}

interface VerifiedDevice {
  readonly nonce: ReturnType<typeof toHex>;
  readonly claims: NvidiaDeviceClaims;
  readonly path: VerifiedPath;
}

async function verifyDevice(
  device: NvidiaEvidence[number],
  roots: readonly TrustAnchor[],
  now: UnixSeconds,
): Promise<VerifiedDevice> {
  const spdm = parseSpdmMeasurements(device.evidence);
  const opaque = parseOpaqueData(spdm.opaqueData);
  const [leaf, ...pool] = parseChain(device.certificateChain);
  const path = await verifyPath(leaf, {
    pool,
    roots,
    now,
    revocation: { notPublished: "NVIDIA answers by OCSP only" },
  });
  const [issuer] = path.certificates.slice(1);
  authorities.keep(path.certificates.slice(1));
  await checkSignature("SPDM measurements", {
    key: leaf.publicKey,
    scheme: ECDSA_SHA384,
    data: spdm.signedRegion,
    signature: spdm.signature,
  });
  checkFirmware(leaf, opaque.firmwareId);
  const identity = { hardwareModel: issuer?.label ?? path.anchor.name, ueid: leaf.serial };
  return { nonce: toHex(spdm.requestNonce), claims: toNvidiaDeviceClaims(spdm, opaque, identity), path };
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

/** Devices that answered different questions say nothing together. */
function singleNonce(devices: readonly VerifiedDevice[]): VerifiedDevice["nonce"] {
  const [nonce, other] = new Set(devices.map((device) => device.nonce));
  if (nonce === undefined || other !== undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the devices must all answer one nonce",
      details: { devices: devices.length },
    });
  }
  return nonce;
}

function describe({ claims, path }: VerifiedDevice, prefix: string): readonly Check[] {
  const chain = path.certificates.map(({ label }) => label).join(" < ");
  const driver = claims.driverVersion === null ? "no driver" : `driver ${claims.driverVersion}`;
  return [
    { name: `${prefix}certificate chain`, ok: true, detail: `${chain}, root ${path.anchor.name} pinned` },
    {
      name: `${prefix}measurement signature`,
      ok: true,
      detail: `${Object.keys(claims.measurements).length} measurements, ${driver}, VBIOS ${claims.vbiosVersion ?? "not given"}`,
    },
    { name: `${prefix}firmware`, ok: true, detail: claims.firmwareId ?? "the device does not say" },
  ];
}
