/**
 * Firmware identifiers in a device's certificate: the hash of the firmware that the signing key was derived for.
 *
 * Source: TCG, Implicit Identity Based Device Attestation 1.0 §5 (CompositeDeviceID, on Hopper); TCG, DICE Attestation
 * Architecture 1.1 §6.1.1 (DiceTcbInfo, on Blackwell).
 */

import { DerReader, TAG } from "../asn1/der-reader.ts";
import type { Certificate } from "../x509/certificate.ts";

const COMPOSITE_DEVICE_ID = "2.23.133.5.4.1";
const DICE_TCB_INFO = "2.23.133.5.4.1.1";
/** `fwids [6] IMPLICIT SEQUENCE OF FWID` of DiceTcbInfo. */
const FWIDS_TAG = 0xa6;

/**
 * The identifiers that `certificate` names; none where it has neither extension.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function readFirmwareIds(certificate: Certificate): readonly Uint8Array<ArrayBuffer>[] {
  const composite = certificate.extensions.get(COMPOSITE_DEVICE_ID);
  const tcbInfo = certificate.extensions.get(DICE_TCB_INFO);
  return [
    ...(composite === undefined ? [] : [readCompositeDeviceId(composite.value)]),
    ...(tcbInfo === undefined ? [] : readTcbInfo(tcbInfo.value)),
  ];
}

/** SEQUENCE of version, the device's public key, and one FWID. */
function readCompositeDeviceId(value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const reader = new DerReader(value).readSequence();
  reader.read(TAG.integer);
  reader.read(TAG.sequence);
  const digest = readFwid(reader);
  reader.end();
  return digest;
}

/** SEQUENCE of optional fields, `[0]` to `[9]`. */
function readTcbInfo(value: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] {
  const reader = new DerReader(value).readSequence();
  const digests: Uint8Array<ArrayBuffer>[] = [];
  while (!reader.done) {
    const field = reader.readAny();
    const fwids = new DerReader(field.tag === FWIDS_TAG ? field.content : new Uint8Array());
    while (!fwids.done) digests.push(readFwid(fwids));
  }
  return digests;
}

/** FWID: SEQUENCE of hash algorithm and digest. */
function readFwid(reader: DerReader): Uint8Array<ArrayBuffer> {
  const fwid = reader.readSequence();
  fwid.read(TAG.oid);
  const digest = fwid.read(TAG.octetString).content;
  fwid.end();
  return digest;
}
