/**
 * The confidential computing event log (CCEL): what firmware and boot loader extended into RTMR 0 to 2.
 *
 * Source: UEFI 2.10 §38 (Confidential Computing: measurement register index k is RTMR k - 1); TCG, PC Client Platform
 * Firmware Profile 1.06 §10.2.1 (TCG_PCClientPCREvent), §10.2.2 (TCG_PCR_EVENT2), §10.4.5.1 (Spec ID event).
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import { RTMR_COUNT, RTMR_LENGTH, type RtmrExtension } from "./rtmr.ts";

export interface CcelEvent extends RtmrExtension {
  readonly type: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  /** The measured bytes, or their description; only a digest is in the register. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** §10.4.1, table 27: not extended. */
const EV_NO_ACTION = 0x00000003;
const SHA1_LENGTH = 20;
/** TCG algorithm registry. */
const TPM_ALG_SHA384 = 0x000c;
/** UEFI writes it after the last event; logs without it end with the buffer. */
const END_OF_LOG = 0xffffffff;
/** ACPI's log area is 64 KiB to 256 KiB. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;
const MAX_ALGORITHMS = 8;

/**
 * Events of a crypto-agile log, in order, read from a copy of `bytes`. Whether they are true is known only once they
 * replay (`checkReplay`): the log itself is not signed.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for a log without SHA-384 digests
 */
export function parseCcel(bytes: Uint8Array): readonly CcelEvent[] {
  if (bytes.length > MAX_LOG_BYTES) throw malformed("the event log is larger than any genuine one");
  const reader = new ByteReader(new Uint8Array(bytes));
  const digestLengths = readSpecIdEvent(reader);
  const events: CcelEvent[] = [];
  while (reader.remaining >= 4) {
    const registerIndex = reader.uint32le();
    if (registerIndex === END_OF_LOG || registerIndex === 0) return events;
    const event = readEvent(reader, registerIndex - 1, digestLengths);
    if (event !== null) events.push(event);
  }
  return events;
}

/** §10.4.5.1. The first event is of the old form, and says which digests the others carry. */
function readSpecIdEvent(reader: ByteReader): ReadonlyMap<number, number> {
  reader.uint32le();
  if (reader.uint32le() !== EV_NO_ACTION)
    throw malformed("the event log does not begin with a Spec ID event");
  reader.bytes(SHA1_LENGTH);
  const header = new ByteReader(reader.bytes(reader.uint32le()));
  // Signature, platform class, version, errata and the size of a UINTN.
  header.bytes(16 + 4 + 4);
  const algorithms = header.uint32le();
  if (algorithms > MAX_ALGORITHMS) throw malformed("the event log names more algorithms than there are");
  const lengths = new Map(
    Array.from({ length: algorithms }, () => [header.uint16le(), header.uint16le()] as const),
  );
  if (lengths.get(TPM_ALG_SHA384) !== RTMR_LENGTH) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the event log has no SHA-384 digests",
    });
  }
  return lengths;
}

/** §10.2.2, after the register index. Null for an event that is not extended. */
function readEvent(
  reader: ByteReader,
  rtmr: number,
  digestLengths: ReadonlyMap<number, number>,
): CcelEvent | null {
  const type = reader.uint32le();
  let digest: Uint8Array<ArrayBuffer> | undefined;
  const count = reader.uint32le();
  if (count > MAX_ALGORITHMS) throw malformed("an event has more digests than there are algorithms");
  for (let index = 0; index < count; index++) {
    const algorithm = reader.uint16le();
    const value = reader.bytes(digestLengths.get(algorithm) ?? reader.remaining + 1);
    digest = algorithm === TPM_ALG_SHA384 ? value : digest;
  }
  const data = reader.bytes(reader.uint32le());
  if (type === EV_NO_ACTION) return null;
  if (digest === undefined || rtmr >= RTMR_COUNT)
    throw malformed("an event has no SHA-384 digest, or is of no RTMR");
  return { rtmr, type, digest, data };
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message });
}
