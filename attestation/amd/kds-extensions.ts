/**
 * What AMD's key distribution service says in a VCEK or VLEK certificate about the key.
 *
 * Source: AMD 57230 (VCEK Certificate and KDS Interface Specification), the extensions below 1.3.6.1.4.1.3704.1; for
 * VLEK, AMD 58369.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { readSmallInteger } from "../asn1/der-values.ts";
import type { Certificate } from "../x509/certificate.ts";
import { toProductLine, type SnpProductLine } from "./product.ts";
import type { SnpTcb } from "./tcb-version.ts";

/** 1.3.6.1.4.1.3704 is AMD. */
const OID = {
  productName: "1.3.6.1.4.1.3704.1.2",
  bootLoader: "1.3.6.1.4.1.3704.1.3.1",
  tee: "1.3.6.1.4.1.3704.1.3.2",
  snp: "1.3.6.1.4.1.3704.1.3.3",
  microcode: "1.3.6.1.4.1.3704.1.3.8",
  fmc: "1.3.6.1.4.1.3704.1.3.9",
  hwId: "1.3.6.1.4.1.3704.1.4",
  cspId: "1.3.6.1.4.1.3704.1.5",
} as const;

const IA5_STRING = 0x16;
/** GET_ID gives 64 bytes; on Turin the last 56 are zero and the certificate leaves them out. */
const HW_ID_LENGTH: Readonly<Record<SnpProductLine, number>> = { Milan: 64, Genoa: 64, Turin: 8 };
const MAX_SPL = 0xff;

export interface KdsExtensions {
  readonly productLine: SnpProductLine;
  readonly productName: string;
  readonly tcb: SnpTcb;
  /** VCEK: the chip that the key was derived in. Null in a VLEK, which a cloud provider loads into many chips. */
  readonly hwId: Uint8Array<ArrayBuffer> | null;
  /** VLEK: the cloud provider. Null in a VCEK. */
  readonly cspId: string | null;
}

/** Whether AMD's key distribution service issued it, by its looks; CAs carry none of these extensions. */
export function isSnpKeyCertificate(certificate: Certificate): boolean {
  return certificate.extensions.has(OID.productName);
}

/**
 * The extensions of a VCEK or VLEK certificate.
 *
 * @throws {EvidenceError} EVIDENCE_CHAIN_INVALID when one is missing, malformed, or contradicts another: this is no
 *   endorsement of an SEV-SNP key
 */
export function parseKdsExtensions(certificate: Certificate): KdsExtensions {
  const productName = readText(certificate, OID.productName);
  const productLine = toProductLine(productName);
  if (productLine === undefined) throw invalid("the certificate names an unknown product", OID.productName);
  const hasCspId = certificate.extensions.has(OID.cspId);
  if (hasCspId === certificate.extensions.has(OID.hwId))
    throw invalid("the certificate must name either a chip or a cloud provider", OID.hwId);
  return {
    productLine,
    productName,
    tcb: {
      fmc: productLine === "Turin" ? readSpl(certificate, OID.fmc) : null,
      bootLoader: readSpl(certificate, OID.bootLoader),
      tee: readSpl(certificate, OID.tee),
      snp: readSpl(certificate, OID.snp),
      microcode: readSpl(certificate, OID.microcode),
    },
    hwId: hasCspId ? null : readHwId(certificate, HW_ID_LENGTH[productLine]),
    cspId: hasCspId ? readText(certificate, OID.cspId) : null,
  };
}

function readText(certificate: Certificate, oid: string): string {
  return read(certificate, oid, (reader) => String.fromCharCode(...reader.read(IA5_STRING).content));
}

function readSpl(certificate: Certificate, oid: string): number {
  const value = read(certificate, oid, readSmallInteger);
  if (value > MAX_SPL) throw invalid("a security patch level is one byte", oid);
  return value;
}

/** AMD puts the bytes where RFC 5280 wants DER; a DER octet string is taken too, the lengths tell them apart. */
function readHwId(certificate: Certificate, length: number): Uint8Array<ArrayBuffer> {
  const value = extensionValue(certificate, OID.hwId);
  const hwId =
    value.length === length
      ? value
      : read(certificate, OID.hwId, (reader) => reader.read(TAG.octetString).content);
  if (hwId.length !== length)
    throw invalid("the hardware identifier has another length than its product's", OID.hwId);
  return hwId;
}

function read<T>(certificate: Certificate, oid: string, work: (reader: DerReader) => T): T {
  const reader = new DerReader(extensionValue(certificate, oid));
  try {
    const value = work(reader);
    reader.end();
    return value;
  } catch (cause) {
    throw invalid("an extension of the certificate is malformed", oid, cause);
  }
}

function extensionValue(certificate: Certificate, oid: string): Uint8Array<ArrayBuffer> {
  const extension = certificate.extensions.get(oid);
  if (extension === undefined) throw invalid("the certificate lacks an extension of an SEV-SNP key", oid);
  return extension.value;
}

function invalid(message: string, oid: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_CHAIN_INVALID", message, details: { oid }, cause });
}
