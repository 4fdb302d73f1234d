/** An AWS of our own: G1, region, zone, instance, enclave, and documents that the enclave's hypervisor signs. */

import { encode, rfc8949EncodeOptions } from "cborg";
import { createTrustAnchor, type TrustAnchor } from "../../attestation/x509/trust-anchor.ts";
import { concatBytes, toHex } from "../../protocol/bytes.ts";
import {
  KEY_USAGE,
  mintCertificate,
  mintKey,
  signRaw,
  type CertificatePlan,
  type FakeKey,
} from "./fake-x509.ts";

/** 2026-01-01T00:00:00Z */
export const AWS_NOW = 1_767_225_600;
const HOUR = 3600;
/** Tag 18 in its one-byte head. */
const COSE_SIGN1_TAG = 0xd2;

const LEVELS = ["root", "region", "zone", "instance", "enclave"] as const;
type Level = (typeof LEVELS)[number];

let keys: Promise<Readonly<Record<Level | "stranger", FakeKey>>> | undefined;

async function mintKeys(): Promise<Readonly<Record<Level | "stranger", FakeKey>>> {
  const names = [...LEVELS, "stranger"] as const;
  const minted = await Promise.all(names.map(async (name) => [name, await mintKey("P-384")] as const));
  return Object.fromEntries(minted) as Record<Level | "stranger", FakeKey>;
}

export interface AwsPlan {
  /** Milliseconds; a whole second by default. */
  readonly timestamp: number;
  /** Changes to the fields of the document; a field set to undefined is left out. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly certificates: Partial<Readonly<Record<Level, Partial<CertificatePlan>>>>;
  readonly protectedHeader: ReadonlyMap<number, unknown>;
  readonly unprotectedHeader: ReadonlyMap<number, unknown>;
  readonly signer: Level | "stranger";
  readonly isTagged: boolean;
}

export interface AwsWorld {
  readonly roots: readonly TrustAnchor[];
  readonly document: Uint8Array<ArrayBuffer>;
}

export function pcrs(pcr0: Uint8Array = new Uint8Array(48).fill(0xc0)): Map<number, Uint8Array> {
  const values = [pcr0, new Uint8Array(48).fill(0xc1), new Uint8Array(48).fill(0xc2)];
  return new Map(Array.from({ length: 16 }, (_, index) => [index, values[index] ?? new Uint8Array(48)]));
}

export async function mintAwsWorld(changes: Partial<AwsPlan> = {}): Promise<AwsWorld> {
  keys ??= mintKeys();
  const byLevel = await keys;
  const plan: AwsPlan = {
    timestamp: AWS_NOW * 1000,
    fields: {},
    certificates: {},
    protectedHeader: new Map([[1, -35]]),
    unprotectedHeader: new Map(),
    signer: "enclave",
    isTagged: false,
    ...changes,
  };
  const chain = await mintChain(byLevel, plan);
  const payload = encode(
    withoutUndefined({
      module_id: "i-0123456789abcdef0-enc0123456789abcdef",
      digest: "SHA384",
      timestamp: plan.timestamp,
      pcrs: pcrs(),
      certificate: chain.enclave,
      cabundle: [chain.root, chain.region, chain.zone, chain.instance],
      public_key: null,
      user_data: new Uint8Array(64).fill(0xd0),
      nonce: null,
      ...plan.fields,
    }),
    rfc8949EncodeOptions,
  );
  const protectedHeader = encode(plan.protectedHeader, rfc8949EncodeOptions);
  const toBeSigned = encode(["Signature1", protectedHeader, new Uint8Array(), payload], rfc8949EncodeOptions);
  const signature = await signRaw(byLevel[plan.signer], toBeSigned);
  const parts = [protectedHeader, plan.unprotectedHeader, payload, signature];
  const untagged = encode(parts, rfc8949EncodeOptions);
  const document = concatBytes(Uint8Array.from(plan.isTagged ? [COSE_SIGN1_TAG] : []), untagged);
  return {
    roots: [createTrustAnchor("a test's G1", toHex(byLevel.root.spki))],
    document,
  };
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return new Map(Object.entries(fields).filter(([, value]) => value !== undefined));
}

async function mintChain(
  byLevel: Readonly<Record<Level, FakeKey>>,
  { certificates }: AwsPlan,
): Promise<Record<Level, Uint8Array<ArrayBuffer>>> {
  const minted = await Promise.all(
    LEVELS.map(async (level, index) => {
      const above = LEVELS[Math.max(0, index - 1)]!;
      const der = await mintCertificate({
        subject: `${level}.aws.nitro-enclaves`,
        key: byLevel[level],
        issuer: { subject: `${above}.aws.nitro-enclaves`, key: byLevel[above] },
        serial: index + 1,
        notBefore: AWS_NOW - HOUR,
        notAfter: AWS_NOW + 2 * HOUR,
        ca: level === "enclave" ? null : { pathLength: level === "root" ? null : 3 - index },
        keyUsage:
          level === "enclave" ? KEY_USAGE.digitalSignature : KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign,
        extensions: [],
        ...certificates[level],
      });
      return [level, der] as const;
    }),
  );
  return Object.fromEntries(minted) as Record<Level, Uint8Array<ArrayBuffer>>;
}
