/** OCSP answers about the certificates of `fake-nvidia.ts`, right or wrong in one place. */

import { parseCertificate, type Certificate } from "../../attestation/x509/certificate.ts";
import { toOcspId } from "../../attestation/x509/given-revocation.ts";
import { fromBase64, splitPem } from "../../attestation/x509/pem.ts";
import { der } from "../../devnet/issuance/der.ts";
import { fromHex, toUtf8 } from "../../protocol/bytes.ts";
import { NVIDIA_NOW, nvidiaKeys, SUBJECTS, type Level, type NvidiaWorld } from "./fake-nvidia.ts";
import { KEY_USAGE, mintCertificate, signRaw, type CertificatePlan } from "./fake-x509.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Signer = Level | "stranger";

const HOUR = 3_600;
const ECDSA_SHA384 = der.sequence(der.oid("1.2.840.10045.4.3.3"));

/** OIDs of hashes, by which certificates are named. */
const HASH_OID = {
  "SHA-1": "1.3.14.3.2.26",
  "SHA-256": "2.16.840.1.101.3.4.2.1",
  "SHA-384": "2.16.840.1.101.3.4.2.2",
  "SHA-512": "2.16.840.1.101.3.4.2.3",
} as const;

export interface OcspPlan {
  /** Levels that the answer speaks of. */
  readonly about: readonly Level[];
  readonly status: Bytes;
  readonly hash: keyof typeof HASH_OID;
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  /** Who certified the responder; null: the issuer of the certificates signs by itself. */
  readonly responder: {
    readonly by: Signer;
    readonly purposes: readonly string[];
    readonly dates?: [number, number];
  } | null;
  /** With whose key the answer is signed where there is no responder. */
  readonly signer: Signer;
  readonly extensions: readonly Bytes[];
  readonly responseStatus: number;
  readonly type: string;
}

export const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
export const GOOD = der.contextPrimitive(0, new Uint8Array());
export const UNKNOWN = der.contextPrimitive(2, new Uint8Array());
export const revoked = (at: number): Bytes =>
  der.context(1, generalizedTime(at), der.context(0, der.enumerated(1)));

export const generalizedTime = (seconds: number): Bytes => {
  const text = `${new Date(seconds * 1000).toISOString().replaceAll(/[-:T]|\.\d+Z/g, "")}Z`;
  return new Uint8Array([0x18, text.length, ...toUtf8(text)]);
};

export const ISSUED: readonly Level[] = ["identity", "provisioner", "bootRom"];
const ABOVE: Readonly<Record<Level, Level>> = {
  root: "root",
  identity: "root",
  provisioner: "identity",
  bootRom: "provisioner",
  firmware: "bootRom",
};

export function certificateOf({ pem }: NvidiaWorld, level: Level): Certificate {
  return parseCertificate(fromBase64(splitPem(pem[level], "CERTIFICATE")[0]!));
}

export async function mintOcsp(world: NvidiaWorld, changes: Partial<OcspPlan> = {}): Promise<Bytes> {
  const plan: OcspPlan = {
    about: ISSUED,
    status: GOOD,
    hash: "SHA-384",
    thisUpdate: NVIDIA_NOW - HOUR,
    nextUpdate: NVIDIA_NOW + HOUR,
    responder: { by: "root", purposes: [OCSP_SIGNING] },
    signer: "root",
    extensions: [],
    responseStatus: 0,
    type: "1.3.6.1.5.5.7.48.1.1",
    ...changes,
  };
  const keys = await nvidiaKeys();
  const statuses = await Promise.all(plan.about.map(async (level) => await mintStatus(world, level, plan)));
  const data = der.sequence(
    der.context(2, der.octetString(new Uint8Array(20))),
    generalizedTime(plan.thisUpdate),
    der.sequence(...statuses),
    ...(plan.extensions.length === 0 ? [] : [der.context(1, der.sequence(...plan.extensions))]),
  );
  const responder = plan.responder === null ? null : await mintResponder(plan.responder);
  const signature = toDerSignature(
    await signRaw(keys[plan.responder === null ? plan.signer : "firmware"], data),
  );
  const basic = der.sequence(
    data,
    ECDSA_SHA384,
    der.bitString(signature),
    ...(responder === null ? [] : [der.context(0, der.sequence(responder))]),
  );
  const body = der.context(0, der.sequence(der.oid(plan.type), der.octetString(basic)));
  return der.sequence(der.enumerated(plan.responseStatus), ...(plan.responseStatus === 0 ? [body] : []));
}

/** r ‖ s as X.509 has it. */
function toDerSignature(raw: Bytes): Bytes {
  const half = raw.length / 2;
  return der.sequence(der.unsigned(raw.subarray(0, half)), der.unsigned(raw.subarray(half)));
}

async function mintStatus(world: NvidiaWorld, level: Level, plan: OcspPlan): Promise<Bytes> {
  const id = await toOcspId(
    certificateOf(world, level),
    certificateOf(world, ABOVE[level]).publicKey,
    plan.hash,
  );
  return der.sequence(
    der.sequence(
      der.sequence(der.oid(HASH_OID[plan.hash]), der.null()),
      der.octetString(fromHex(id.issuerName)),
      der.octetString(fromHex(id.issuerKey)),
      der.unsigned(fromHex(id.serial)),
    ),
    plan.status,
    generalizedTime(plan.thisUpdate),
    ...(plan.nextUpdate === null ? [] : [der.context(0, generalizedTime(plan.nextUpdate))]),
  );
}

/** The responder's certificate: the firmware's key does for it, which is nobody's CA. */
async function mintResponder({ by, purposes, dates }: NonNullable<OcspPlan["responder"]>): Promise<Bytes> {
  const keys = await nvidiaKeys();
  const [notBefore, notAfter] = dates ?? [NVIDIA_NOW - 24 * HOUR, NVIDIA_NOW + 24 * HOUR];
  const plan: CertificatePlan = {
    subject: "NVIDIA OCSP responder",
    key: keys.firmware,
    issuer: { subject: by === "stranger" ? SUBJECTS.root : SUBJECTS[by], key: keys[by] },
    serial: 77,
    notBefore,
    notAfter,
    ca: null,
    keyUsage: KEY_USAGE.digitalSignature,
    extensions:
      purposes.length === 0
        ? []
        : [{ oid: "2.5.29.37", critical: true, value: der.sequence(...purposes.map(der.oid)) }],
  };
  return await mintCertificate(plan);
}
