import { toHex, type Hex } from "../../protocol/bytes.ts";
import { DerReader, malformed, TAG } from "../asn1/der-reader.ts";
import { readOid, readSmallInteger } from "../asn1/der-values.ts";
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

/** Suffixes under the SGX extension's OID. */
const FIELD = { ppid: "1", tcb: "2", pceId: "3", fmspc: "4" } as const;

const TCB_COMPONENTS = 16;
const PCE_SVN = "17";
const CPU_SVN = "18";

/** Most entries at one level: the profile has 7 and 18. */
const MAX_ENTRIES = 32;

/** @throws {EvidenceError} EVIDENCE_MALFORMED when the extension is missing or not as the profile has it */
export function parsePckExtension(certificate: Certificate): PckExtension {
  const extension = certificate.extensions.get(SGX_EXTENSION);
  if (extension === undefined) throw malformed("PCK certificate has no SGX extension");
  const outer = new DerReader(extension.value);
  const fields = readEntries(outer.readSequence(), SGX_EXTENSION);
  outer.end();
  const tcb = readEntries(entry(fields, FIELD.tcb).readSequence(), `${SGX_EXTENSION}.${FIELD.tcb}`);
  const sgxComponentSvns: number[] = [];
  for (let component = 1; component <= TCB_COMPONENTS; component += 1) {
    sgxComponentSvns.push(readSmallInteger(entry(tcb, String(component))));
  }
  return {
    ppid: octets(fields, FIELD.ppid, 16),
    pceId: octets(fields, FIELD.pceId, 2),
    fmspc: octets(fields, FIELD.fmspc, 6),
    sgxComponentSvns,
    pceSvn: readSmallInteger(entry(tcb, PCE_SVN)),
    cpuSvn: octets(tcb, CPU_SVN, 16),
  };
}

/** SEQUENCE OF SEQUENCE { OID, value }, by the last arc of the OID. */
function readEntries(reader: DerReader, parent: string): ReadonlyMap<string, DerReader> {
  const entries = new Map<string, DerReader>();
  while (!reader.done) {
    const item = reader.readSequence();
    const oid = readOid(item);
    const suffix = oid.slice(parent.length + 1);
    if (!oid.startsWith(`${parent}.`) || entries.has(suffix) || entries.size === MAX_ENTRIES) {
      throw malformed("SGX extension of the PCK certificate is malformed", { oid });
    }
    entries.set(suffix, item);
  }
  return entries;
}

function entry(entries: ReadonlyMap<string, DerReader>, suffix: string): DerReader {
  const found = entries.get(suffix);
  if (found === undefined) throw malformed("SGX extension of the PCK certificate lacks a field", { suffix });
  return found;
}

function octets(entries: ReadonlyMap<string, DerReader>, suffix: string, length: number): Hex {
  const { content } = entry(entries, suffix).read(TAG.octetString);
  if (content.length !== length)
    throw malformed("field of the SGX extension has another length", { suffix, length });
  return toHex(content);
}
