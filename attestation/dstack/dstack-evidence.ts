/**
 * A TDX quote of a dstack guest with the event log that explains its RTMRs: JSON, as the guest agent answers to
 * `GetQuote`, or a versioned attestation, raw or as hex in JSON.
 *
 * Source: github.com/Dstack-TEE/dstack, guest-agent RPC (`GetQuoteResponse`, `AttestResponse`).
 */

import * as z from "zod";
import { fromHex, isHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { toEvidenceInput, type EvidenceBytes } from "../evidence/evidence-input.ts";
import { parseDstackEventLog, toDstackEvent, type DstackEvent } from "./event-log.ts";
import { isVersionedTdxAttestation, parseVersionedTdxAttestation } from "./versioned-attestation.ts";

export interface DstackEvidence {
  readonly quote: Uint8Array<ArrayBuffer>;
  /** Each with the digest that it claims to have; whether it was extended, replaying tells. */
  readonly events: readonly DstackEvent[];
}

const hex = z
  .string()
  .regex(/^(?:0x)?(?:[0-9a-f]{2})+$/)
  .transform((text) => fromHex(isHex(text) ? text : `0x${text}`));

const quoteSchema = z.object({ quote: hex, event_log: z.string() });
const attestationSchema = z.object({ attestation: hex });
const schema = z.union([quoteSchema, attestationSchema]);

/** Whether these bytes are of one of the forms, over TDX. Throws nothing. */
export function isDstackEvidence(evidence: EvidenceBytes): boolean {
  const input = toEvidenceInput(evidence);
  if (!input.isMember && isVersionedTdxAttestation(input.bytes)) {
    return true;
  }
  const shape = schema.safeParse(input.json);
  return shape.success && ("quote" in shape.data || isVersionedTdxAttestation(shape.data.attestation));
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED, EVIDENCE_BINDING_MISMATCH */
export function parseDstackEvidence(evidence: EvidenceBytes): DstackEvidence {
  const input = toEvidenceInput(evidence);
  if (!input.isMember && isVersionedTdxAttestation(input.bytes)) {
    return fromVersionedAttestation(input.bytes);
  }
  const shape = schema.safeParse(input.requireJson());
  if (!shape.success) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "this is not dstack's: `quote` in hex with `event_log` as JSON text, or `attestation` in hex",
      cause: shape.error,
    });
  }
  if ("attestation" in shape.data) {
    return fromVersionedAttestation(shape.data.attestation);
  }
  return { quote: shape.data.quote, events: parseDstackEventLog(shape.data.event_log) };
}

function fromVersionedAttestation(bytes: Uint8Array): DstackEvidence {
  const { quote, events } = parseVersionedTdxAttestation(bytes);
  return { quote, events: events.map(toDstackEvent) };
}
