/** Is the evidence of NVIDIA devices genuine? Orders the steps; each is elsewhere. */

import { equalBytes, toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { checkUnixSeconds, intersectWindows, type UnixSeconds } from "../time/unix-time.ts";
import { CheckList, valueOf, type Pending } from "../evidence/check-list.ts";
import { sealVerified, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { Certificate } from "../x509/certificate.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import { toNvidiaDeviceClaims } from "./claims.ts";
import { readFirmwareIds } from "./firmware-id.ts";
import { parseNvidiaEvidence, type NvidiaEvidence } from "./nvidia-evidence.ts";
import { parseOpaqueData, type NvidiaOpaqueData } from "./opaque-data.ts";
import { authorities, readDeviceChain } from "./device-chain.ts";
import {
  checkDeviceRevocation,
  describeRevocation,
  summarise,
  type DeviceRevocation,
} from "./device-revocation.ts";
import type { NvidiaEndorsements } from "./nvidia-endorsements.ts";
import { NVIDIA_ROOTS } from "./roots.ts";
import { parseSpdmMeasurements, type SpdmMeasurements } from "./spdm-measurements.ts";

/**
 * Genuine evidence: each of these GPUs and switches is NVIDIA's, and signed its measurements in answer to one nonce,
 * with firmware that its certificate names; and of each certificate of which an endorsement speaks, that it is not revoked.
 *
 * Leaves to the caller: that the nonce is theirs (`checkGpuBinding`), the measurements (reference values from
 * NVIDIA's RIMs), and whether revocation had to be checked (`claims.revocation`): NVIDIA answers by OCSP, to whoever asks.
 *
 * Source: DMTF DSP0274 1.1.0 §10.11.1 (signature); github.com/NVIDIA/nvtrust, local_gpu_verifier.
 *
 * @param evidence JSON of `nvidia-evidence.ts`, or what it parses to
 * @throws {EvidenceError} not genuine, or revoked
 * @throws {EndorsementError} an OCSP answer or a list about one of its certificates is not authentic or not in date
 */
export async function verifyNvidiaEvidence(
  evidence: Uint8Array | NvidiaEvidence,
  options: NvidiaOptions,
): Promise<VerifiedEvidence<"nvidia">> {
  const devices = evidence instanceof Uint8Array ? parseNvidiaEvidence(evidence) : evidence;
  return await verifyNvidiaEvidenceUnder(NVIDIA_ROOTS, devices, options);
}

interface NvidiaOptions {
  readonly now: UnixSeconds;
  readonly endorsements?: NvidiaEndorsements | undefined;
}

/** `verifyNvidiaEvidence` of devices that are parsed already, under other roots: for tests. */
export async function verifyNvidiaEvidenceUnder(
  roots: readonly TrustAnchor[],
  evidence: NvidiaEvidence,
  { now, endorsements }: NvidiaOptions,
): Promise<VerifiedEvidence<"nvidia">> {
  checkUnixSeconds(now);
  const list = new CheckList();
  const pending = evidence.map((device, index) =>
    startDevice(list, device, {
      roots,
      now,
      endorsements,
      prefix: evidence.length === 1 ? "" : `device ${index + 1}: `,
    }),
  );
  list.start(
    { name: "one nonce", link: "evidence", compared: "the nonces that the devices answered" },
    () => singleNonce(pending),
    (nonce) => nonce,
  );
  list.start(
    {
      name: "each device once",
      link: "hardware",
      compared: "the serial numbers of the devices' certificates",
    },
    () => {
      checkDistinct(pending);
    },
    () => `${evidence.length} of ${evidence.length}`,
  );
  const checks = await list.finish();
  const paths = await Promise.all(pending.map(async ({ path }) => await valueOf(path)));
  const devices = pending.map(({ spdm, opaque, leaf }, index) => {
    const { certificates, anchor } = paths[index] as VerifiedPath;
    const hardwareModel = certificates[1]?.label ?? anchor.name;
    return toNvidiaDeviceClaims(spdm, opaque, { hardwareModel, ueid: leaf.serial });
  });
  const revocations = await Promise.all(pending.map(async ({ revocation }) => await settledOr(revocation)));
  const nonce = singleNonce(pending);
  const [first, second] = devices;
  return sealVerified({
    kind: "nvidia",
    claims: { nonce, devices, revocation: summarise(revocations) },
    // Debug shows in measurements, by comparison with NVIDIA's reference values: nvtrust says it after that only.
    debug: null,
    reportData: nonce,
    platformId: first !== undefined && second === undefined ? first.ueid : null,
    tcbStatus: null,
    advisories: [],
    window: intersectWindows([
      ...paths.map(({ window }) => window),
      ...revocations.flatMap((found) => found?.windows ?? []),
    ]),
    issuedAt: null,
    verifiedAt: now,
    checks,
  });
}

interface PendingDevice {
  readonly spdm: SpdmMeasurements;
  readonly opaque: NvidiaOpaqueData;
  readonly leaf: Certificate;
  readonly path: Pending<VerifiedPath>;
  /** Null where nothing was given. */
  readonly revocation: Pending<DeviceRevocation> | null;
}

interface DeviceContext {
  readonly roots: readonly TrustAnchor[];
  readonly now: UnixSeconds;
  readonly endorsements: NvidiaEndorsements | undefined;
  /** "device 3: ", where there are several. */
  readonly prefix: string;
}

function startDevice(
  list: CheckList,
  device: NvidiaEvidence[number],
  { roots, now, endorsements, prefix }: DeviceContext,
): PendingDevice {
  const spdm = parseSpdmMeasurements(device.evidence);
  const opaque = parseOpaqueData(spdm.opaqueData);
  const [leaf, ...pool] = readDeviceChain(device.certificateChain);
  const path = list.start(
    {
      name: `${prefix}certificate chain`,
      link: "hardware",
      compared: "the device's certificates with NVIDIA's root",
    },
    async () => {
      const found = await verifyPath(leaf, {
        pool,
        roots,
        now,
        revocation: { notPublished: "NVIDIA publishes no lists: what is given is asked below" },
      });
      authorities.keep(found.certificates.slice(1));
      return found;
    },
    ({ certificates, anchor }) =>
      `${certificates.map(({ label }) => label).join(" < ")}, root ${anchor.name} pinned`,
  );
  list.start(
    {
      name: `${prefix}measurement signature`,
      link: "evidence",
      compared: "the SPDM exchange with its signature, by the device's key",
    },
    async () => {
      await checkSignature("SPDM measurements", {
        key: leaf.publicKey,
        scheme: ECDSA_SHA384,
        data: spdm.signedRegion,
        signature: spdm.signature,
      });
    },
    () =>
      `${spdm.measurements.length} measurements, ${opaque.driverVersion === null ? "no driver" : `driver ${opaque.driverVersion}`}, VBIOS ${opaque.vbiosVersion ?? "not given"}`,
  );
  list.start(
    {
      name: `${prefix}firmware`,
      link: "hardware",
      compared: "the firmware that answered with the one that its certificate names",
    },
    () => {
      checkFirmware(leaf, opaque.firmwareId);
    },
    () => (opaque.firmwareId === null ? "the device does not say" : toHex(opaque.firmwareId)),
  );
  const revocation =
    endorsements === undefined
      ? null
      : list.after(
          [path],
          {
            name: `${prefix}certificates not revoked`,
            link: "hardware",
            compared: "the device's certificates with the OCSP answers and lists that were given",
          },
          async ([found]) => await checkDeviceRevocation(found, endorsements, now),
          describeRevocation,
        );
  return { spdm, opaque, leaf, path, revocation };
}

async function settledOr(pending: Pending<DeviceRevocation> | null): Promise<DeviceRevocation | null> {
  return pending === null ? null : await valueOf(pending);
}

/** The firmware that holds the signing key must be the one that answered; switches and old firmware do not say. */
function checkFirmware(leaf: Certificate, firmwareId: Uint8Array<ArrayBuffer> | null): void {
  if (firmwareId === null) return;
  if (!readFirmwareIds(leaf).some((certified) => equalBytes(certified, firmwareId))) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the device's firmware is not the one that its certificate was issued for",
      details: { firmwareId: toHex(firmwareId) },
    });
  }
}

/** Devices that answered different questions say nothing together. */
function singleNonce(devices: readonly PendingDevice[]): Hex {
  const [nonce, other] = new Set(devices.map(({ spdm }) => toHex(spdm.requestNonce)));
  if (nonce === undefined || other !== undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the devices must all answer one nonce",
      details: { devices: devices.length },
    });
  }
  return nonce;
}

/** One GPU's evidence, given several times, is no evidence of several GPUs. */
function checkDistinct(devices: readonly PendingDevice[]): void {
  const seen = new Set<Hex>();
  for (const { leaf } of devices) {
    if (seen.has(leaf.serial)) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "one device is given more than once: each counts once, and these are fewer than they seem",
        details: { ueid: leaf.serial, devices: devices.length },
      });
    }
    seen.add(leaf.serial);
  }
}
