/** An NVIDIA of our own: device identity root, CAs, a device, and SPDM exchanges that its firmware signs. */

import type { NvidiaDeviceEvidence } from "../../attestation/nvidia/nvidia-evidence.ts";
import { createTrustAnchor, type TrustAnchor } from "../../attestation/x509/trust-anchor.ts";
import { concatBytes, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { der } from "../../devnet/issuance/der.ts";
import type { RawExtension } from "../../devnet/issuance/x509.ts";
import {
  KEY_USAGE,
  mintCertificate,
  mintKey,
  signRaw,
  toPem,
  type CertificatePlan,
  type FakeKey,
} from "./fake-x509.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** 2026-01-01T00:00:00Z */
export const NVIDIA_NOW = 1_767_225_600;
const YEAR = 31_536_000;

const LEVELS = ["root", "identity", "provisioner", "bootRom", "firmware"] as const;
export type Level = (typeof LEVELS)[number];

export const SUBJECTS: Readonly<Record<Level, string>> = {
  root: "NVIDIA Device Identity CA",
  identity: "NVIDIA GH100 Identity",
  provisioner: "NVIDIA GH100 Provisioner ICA 1",
  bootRom: "GH100 A01 GSP BROM",
  firmware: "GH100 A01 GSP FMC LF",
};

let keys: Promise<Readonly<Record<Level | "stranger", FakeKey>>> | undefined;

async function mintKeys(): Promise<Readonly<Record<Level | "stranger", FakeKey>>> {
  const names = [...LEVELS, "stranger"] as const;
  const minted = await Promise.all(names.map(async (name) => [name, await mintKey("P-384")] as const));
  return Object.fromEntries(minted) as Record<Level | "stranger", FakeKey>;
}

export interface NvidiaPlan {
  readonly nonce: Uint8Array;
  readonly certificates: Partial<Readonly<Record<Level, Partial<CertificatePlan>>>>;
  /** How the leaf names its firmware: Hopper's way, Blackwell's, or not at all. */
  readonly firmwareExtension: "compositeDeviceId" | "tcbInfo" | "none";
  readonly certifiedFirmware: Uint8Array;
  readonly opaque: readonly (readonly [type: number, value: Uint8Array])[];
  readonly blocks: readonly Bytes[];
  /** Changes to the request and the response before they are signed. */
  readonly edit: (messages: { request: Bytes; response: Bytes }) => { request: Bytes; response: Bytes };
  readonly signer: Level | "stranger";
  readonly trailing: Uint8Array;
  readonly serial: number;
}

/** Every level's, to sign with what NVIDIA never would. */
export async function nvidiaKeys(): Promise<Readonly<Record<Level | "stranger", FakeKey>>> {
  keys ??= mintKeys();
  return await keys;
}

/** The root's own, to certify with what the root never would. */
export async function rootKey(): Promise<FakeKey> {
  return (await nvidiaKeys()).root;
}

export const FIRMWARE = new Uint8Array(48).fill(0xf0);

/** DSP0274 1.1.0, tables 45 and 46. */
export function block(index: number, value: Uint8Array, specification = 1): Bytes {
  const measurement = concatBytes(Uint8Array.of(1), uint16(value.length), value);
  return concatBytes(Uint8Array.of(index, specification), uint16(measurement.length), measurement);
}

function uint16(value: number): Bytes {
  return Uint8Array.of(value & 0xff, value >> 8);
}

const TEXT = (text: string): Uint8Array => toUtf8(`${text}\0`);

export const OPAQUE: NvidiaPlan["opaque"] = [
  [6, Uint8Array.of(0, 0xa5, 0, 0x96, 1, 0, 0, 0)],
  [15, TEXT("885")],
  [17, TEXT("G520")],
  [18, TEXT("0200")],
  [3, TEXT("590.12")],
  [20, FIRMWARE],
];

export interface NvidiaWorld {
  readonly roots: readonly TrustAnchor[];
  readonly device: NvidiaDeviceEvidence;
  /** PEM of each level. */
  readonly pem: Readonly<Record<Level, string>>;
}

export async function mintNvidiaWorld(changes: Partial<NvidiaPlan> = {}): Promise<NvidiaWorld> {
  keys ??= mintKeys();
  const byLevel = await keys;
  const plan: NvidiaPlan = {
    nonce: new Uint8Array(32).fill(0x4e),
    certificates: {},
    firmwareExtension: "compositeDeviceId",
    certifiedFirmware: FIRMWARE,
    opaque: OPAQUE,
    blocks: [1, 2, 3].map((index) => block(index, new Uint8Array(48).fill(index))),
    edit: (messages) => messages,
    signer: "firmware",
    trailing: new Uint8Array(),
    serial: 5,
    ...changes,
  };
  const pem = await mintChain(byLevel, plan);
  const chain = [...LEVELS].reverse().map((level) => pem[level]);
  const device = { evidence: await signExchange(byLevel, plan), certificateChain: toUtf8(chain.join("")) };
  return { roots: [createTrustAnchor("a test's root", toHex(byLevel.root.spki))], device, pem };
}

async function signExchange(
  byLevel: Readonly<Record<Level | "stranger", FakeKey>>,
  plan: NvidiaPlan,
): Promise<Bytes> {
  const record = concatBytes(...plan.blocks);
  const opaque = concatBytes(
    ...plan.opaque.flatMap(([type, value]) => [uint16(type), uint16(value.length), value]),
  );
  const { request, response } = plan.edit({
    request: concatBytes(Uint8Array.of(0x11, 0xe0, 0x01, 0xff), plan.nonce, Uint8Array.of(0)),
    response: concatBytes(
      Uint8Array.of(0x11, 0x60, 0, 0, plan.blocks.length),
      Uint8Array.of(record.length & 0xff, record.length >> 8, 0),
      record,
      new Uint8Array(32).fill(0x5e),
      uint16(opaque.length),
      opaque,
    ),
  });
  const signed = concatBytes(request, response);
  return concatBytes(signed, await signRaw(byLevel[plan.signer], signed), plan.trailing);
}

async function mintChain(
  byLevel: Readonly<Record<Level, FakeKey>>,
  plan: NvidiaPlan,
): Promise<Record<Level, string>> {
  const minted = await Promise.all(
    LEVELS.map(async (level, index) => {
      const above = LEVELS[Math.max(0, index - 1)]!;
      const isLeaf = level === "firmware";
      const certificate = await mintCertificate({
        subject: SUBJECTS[level],
        key: byLevel[level],
        issuer: { subject: SUBJECTS[above], key: byLevel[above] },
        serial: isLeaf ? plan.serial : index + 1,
        notBefore: NVIDIA_NOW - YEAR,
        // Year 9999, as NVIDIA writes it: RFC 5280's "no well-defined expiration".
        notAfter: 253_402_300_799,
        ca: isLeaf ? null : { pathLength: null },
        keyUsage: isLeaf ? KEY_USAGE.digitalSignature : KEY_USAGE.keyCertSign,
        extensions: isLeaf ? firmwareExtensions(plan, byLevel.firmware) : [],
        ...plan.certificates[level],
      });
      return [level, toPem(certificate)] as const;
    }),
  );
  return Object.fromEntries(minted) as Record<Level, string>;
}

function firmwareExtensions(
  { firmwareExtension, certifiedFirmware }: NvidiaPlan,
  key: FakeKey,
): readonly RawExtension[] {
  const algorithm = der.oid("2.16.840.1.101.3.4.2.2");
  const fwid = der.sequence(algorithm, der.octetString(certifiedFirmware));
  switch (firmwareExtension) {
    case "compositeDeviceId":
      return [
        { oid: "2.23.133.5.4.1", critical: false, value: der.sequence(der.integer(1), key.spki, fwid) },
      ];
    case "tcbInfo": {
      const vendor = der.contextPrimitive(0, new TextEncoder().encode("NVIDIA"));
      const value = der.sequence(vendor, der.context(6, fwid), der.contextPrimitive(7, Uint8Array.of(0, 0)));
      return [{ oid: "2.23.133.5.4.1.1", critical: false, value }];
    }
    case "none":
      return [];
  }
}

/** The JSON in which tools pass evidence. */
export function toEvidenceJson(devices: readonly NvidiaDeviceEvidence[]): Bytes {
  const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
  return toUtf8(
    JSON.stringify(
      devices.map(({ evidence, certificateChain }) => ({
        arch: "HOPPER",
        evidence: base64(evidence),
        certificate: base64(certificateChain),
      })),
    ),
  );
}
