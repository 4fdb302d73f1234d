/**
 * NVIDIA's reference integrity manifests (RIM): what a version of driver or firmware measures, signed by NVIDIA.
 *
 * Source: TCG Reference Integrity Manifest Information Model 1.01, over ISO/IEC 19770-2:2015 (SWID);
 * github.com/NVIDIA/nvtrust, local_gpu_verifier `rim` (measurements, versions) and `verifier.py` (what is compared).
 */

import { isHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { asEndorsementAsync } from "../endorsements/as-endorsement.ts";
import { checkUnixSeconds, type TimeWindow, type UnixSeconds } from "../time/unix-time.ts";
import type { Crl } from "../x509/crl.ts";
import { verifyPath } from "../x509/path.ts";
import { createTrustAnchor, type TrustAnchor } from "../x509/trust-anchor.ts";
import { parseXml, type XmlElement } from "../xml/xml-reader.ts";
import {
  attributeOf,
  checkEnvelopedSignature,
  childrenOf,
  findEnvelopedSignature,
} from "../xml/xml-signature.ts";

const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const SHA384 = "http://www.w3.org/2001/04/xmlenc#sha384";

/** github.com/NVIDIA/nvtrust, local_gpu_verifier, certs/verifier_RIM_root.pem. */
const RIM_ROOT_SPKI = `0x${[
  "3076301006072a8648ce3d020106052b8104002203620004b840b28bdbcd33e230da57d4cf2065747030682d4717b4c2",
  "829d7641c1325139b74da831c2be3c779e7e2b65489566080e4ecd94021075c57f15fedeb862c8f906ae8fddc7b12238",
  "597dbdf0fa56e78453833f6d0be43af3871a47f057584799",
].join("")}` as const;

const RIM_ROOTS: readonly TrustAnchor[] = [createTrustAnchor("NVIDIA CoRIM signing Root CA", RIM_ROOT_SPKI)];

/** What of a device a manifest is for. */
export type NvidiaManifestComponent = "driver" | "vbios" | "switchBios";

export interface NvidiaManifest {
  readonly component: NvidiaManifestComponent;
  /** As the device gives it: "550.144.03", "96.00.5E.00.01". */
  readonly version: string;
  /** Accepted values by SPDM index, from "1". */
  readonly byIndex: Readonly<Record<string, readonly Hex[]>>;
}

export interface VerifiedManifest extends NvidiaManifest {
  /** "GH100": the chip. */
  readonly product: string;
  /** Subject of the certificate that signed it. */
  readonly signer: string;
  /** When its certificates are in date together. */
  readonly window: TimeWindow;
}

export interface ManifestContext {
  readonly now: UnixSeconds;
  /** NVIDIA's lists, where somebody fetched them; every authority of the chain then needs one. */
  readonly crls?: readonly Crl[];
}

/**
 * Verifies a manifest and reads it.
 *
 * Establishes: NVIDIA signed these values for this version, by a chain to the pinned root that is in date at `now`.
 * Leaves to the caller: that the devices run it (a policy's `manifests`), and revocation where no lists are given.
 *
 * @param file XML, under 1 MiB
 * @throws {EndorsementError} it is not NVIDIA's, cannot be read, or is not in date
 */
export async function verifyNvidiaManifest(
  file: Uint8Array,
  context: ManifestContext,
): Promise<VerifiedManifest> {
  return await verifyNvidiaManifestUnder(RIM_ROOTS, file, context);
}

/** `verifyNvidiaManifest` under other roots: for tests. */
export async function verifyNvidiaManifestUnder(
  roots: readonly TrustAnchor[],
  file: Uint8Array,
  { now, crls }: ManifestContext,
): Promise<VerifiedManifest> {
  checkUnixSeconds(now);
  return await asEndorsementAsync("NVIDIA manifest", async () => {
    const root = parseXml(file);
    const signed = findEnvelopedSignature(root);
    const [leaf, ...pool] = signed.certificates;
    const path = await verifyPath(leaf, {
      pool,
      roots,
      now,
      revocation: crls === undefined ? { notPublished: "the caller has none of NVIDIA's lists" } : { crls },
    });
    await checkEnvelopedSignature(root, signed);
    return { ...readManifest(root), signer: leaf.label, window: path.window };
  });
}

function readManifest(root: XmlElement): NvidiaManifest & { readonly product: string } {
  const [meta, secondMeta] = childrenOf(root, "Meta", SWID);
  const [payload, secondPayload] = childrenOf(root, "Payload", SWID);
  if (root.name !== "SoftwareIdentity" || root.namespace !== SWID) throw malformed("it is no SWID tag");
  if (meta === undefined || payload === undefined || secondMeta !== undefined || secondPayload !== undefined)
    throw malformed("it has not one Meta and one Payload");
  const version = required(meta, "colloquialVersion");
  return {
    component: componentOf(required(meta, "edition"), version),
    version,
    product: required(meta, "product"),
    byIndex: readMeasurements(payload),
  };
}

/** A VBIOS has five groups of two hex digits, a driver has decimal ones. */
const VBIOS_VERSION = /^[0-9A-F]{2}(?:\.[0-9A-F]{2}){4}$/i;

function componentOf(edition: string, version: string): NvidiaManifestComponent {
  if (edition === "SWITCH") return "switchBios";
  if (edition !== "GPU") throw malformed("it is for devices of another sort");
  return VBIOS_VERSION.test(version) ? "vbios" : "driver";
}

/** More than any device measures. */
const MAX_INDEX = 254;
const MAX_ALTERNATIVES = 64;

/** Inactive ones are placeholders of zeros. Manifests count from 0, SPDM from 1. */
function readMeasurements(payload: XmlElement): Readonly<Record<string, readonly Hex[]>> {
  const byIndex = new Map<string, readonly Hex[]>();
  for (const resource of childrenOf(payload, "Resource", SWID)) {
    const index = String(toInteger(required(resource, "index"), MAX_INDEX) + 1);
    if (byIndex.has(index)) throw malformed("it gives one measurement twice");
    const alternatives = toInteger(required(resource, "alternatives"), MAX_ALTERNATIVES);
    const size = toInteger(required(resource, "size"), MAX_INDEX);
    const values = Array.from({ length: alternatives }, (_, number) =>
      toValue(attributeOf(resource, `Hash${number}`, SHA384), size),
    );
    const isActive = required(resource, "active") !== "False";
    if (isActive && values.length === 0) throw malformed("a measurement without a value");
    byIndex.set(index, isActive ? values : []);
  }
  const active = [...byIndex].filter(([, values]) => values.length > 0);
  if (active.length === 0) throw malformed("it gives no measurements");
  return Object.fromEntries(active);
}

function toValue(text: string | undefined, size: number): Hex {
  const value = `0x${(text ?? "").toLowerCase()}`;
  if (!isHex(value) || value.length !== 2 + 2 * size) throw malformed("a value that is not of its size");
  return value;
}

function toInteger(text: string, most: number): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : most + 1;
  if (value > most) throw malformed("a number beyond any genuine one");
  return value;
}

function required(element: XmlElement, name: string): string {
  const value = attributeOf(element, name);
  if (value === undefined || value === "") throw malformed(`${element.name} has no ${name}`);
  return value;
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message });
}
