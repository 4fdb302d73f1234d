import { toHex, type Hex } from "../../protocol/bytes.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { readSmallInteger } from "../asn1/der-values.ts";
import type { Certificate } from "../x509/certificate.ts";

/** SGX extension of a PCK certificate (Intel SGX PCK Certificate and CRL Profile Specification §1.3.5). */
export interface PckExtension {
  readonly ppid: Hex;
  /** Security version of each of the 16 components, as numbers: what TCB levels are compared with. */
  readonly sgxComponentSvns: readonly number[];
  readonly pceSvn: number;
  readonly cpuSvn: Hex;
  readonly pceId: Hex;
  readonly fmspc: Hex;
}

const SGX_EXTENSION = "1.2.840.113741.1.13.1";

/** Last arcs under the SGX extension's OID. */
const FIELD = { ppid: 1, tcb: 2, pceId: 3, fmspc: 4 } as const;

const TCB_COMPONENTS = 16;
const PCE_SVN = 17;
const CPU_SVN = 18;

/** The extension's OID as DER content; its fields are one arc below, TCB components one arc below `FIELD.tcb`. */
const SGX_EXTENSION_CONTENT = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01] as const;
const TCB_CONTENT = [...SGX_EXTENSION_CONTENT, FIELD.tcb] as const;

/** Most entries at one level: the profile has 7 and 18. */
const MAX_ENTRIES = 32;

/** @throws {EvidenceError} EVIDENCE_MALFORMED when the extension is missing or not as the profile has it */
export function parsePckExtension(certificate: Certificate): PckExtension {
  const extension = certificate.extensions.get(SGX_EXTENSION);
  if (extension === undefined) throw malformed("PCK certificate has no SGX extension");
  const outer = new DerReader(extension.value);
  const fields = readEntries(outer.readSequence(), SGX_EXTENSION_CONTENT);
  outer.end();
  const tcb = readEntries(entry(fields, FIELD.tcb).readSequence(), TCB_CONTENT);
  const sgxComponentSvns: number[] = [];
  for (let component = 1; component <= TCB_COMPONENTS; component += 1)
    sgxComponentSvns.push(readSmallInteger(entry(tcb, component)));
  return {
    ppid: octets(fields, FIELD.ppid, 16),
    pceId: octets(fields, FIELD.pceId, 2),
    fmspc: octets(fields, FIELD.fmspc, 6),
    sgxComponentSvns,
    pceSvn: readSmallInteger(entry(tcb, PCE_SVN)),
    cpuSvn: octets(tcb, CPU_SVN, 16),
  };
}

/** SEQUENCE OF SEQUENCE { OID, value }, by the last arc of the OID: one byte, for the profile has 18 at most. */
function readEntries(reader: DerReader, parent: readonly number[]): ReadonlyMap<number, DerReader> {
  const entries = new Map<number, DerReader>();
  while (!reader.done) {
    const item = reader.readSequence();
    const oid = item.read(TAG.oid).content;
    const arc = oid[parent.length] ?? 0x80;
    const isChild = oid.length === parent.length + 1 && parent.every((byte, index) => oid[index] === byte);
    if (!isChild || arc >= 0x80 || entries.has(arc) || entries.size === MAX_ENTRIES)
      throw malformed("SGX extension of the PCK certificate is malformed", { oid: toHex(oid) });
    entries.set(arc, item);
  }
  return entries;
}

function entry(entries: ReadonlyMap<number, DerReader>, arc: number): DerReader {
  const found = entries.get(arc);
  if (found === undefined) throw malformed("SGX extension of the PCK certificate lacks a field", { arc });
  return found;
}

function octets(entries: ReadonlyMap<number, DerReader>, arc: number, length: number): Hex {
  const { content } = entry(entries, arc).read(TAG.octetString);
  if (content.length !== length)
    throw malformed("field of the SGX extension has another length", { arc, length });
  return toHex(content);
}
