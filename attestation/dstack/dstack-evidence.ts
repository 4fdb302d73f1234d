/**
 * The evidence of a dstack guest, in each of its forms: JSON, as the guest agent answers to `GetQuote` and as inference
 * gateways pass it on, or an attestation of version 0 or 1, raw or as hex in JSON.
 *
 * Source: github.com/Dstack-TEE/dstack, guest-agent RPC (`GetQuoteResponse`, `AttestResponse`); the attestation reports of
 * NEAR AI, RedPill and Phala, whose quote is named `intel_quote` and whose log may be a list.
 */

import * as z from "zod";
import { EvidenceError } from "../../protocol/errors.ts";
import { decodeHexText } from "../encoding/encoded-text.ts";
import { toEvidenceInput, type EvidenceBytes } from "../evidence/evidence-input.ts";
import { DSTACK_KINDS, type DstackAttestation, type DstackKind } from "./attestation.ts";
import { parseDstackEventLog, toDstackEvent, toDstackEvents, type DstackEvent } from "./event-log.ts";
import { parseMessagePackAttestation, recogniseMessagePackAttestation } from "./message-pack-attestation.ts";
import { parseScaleAttestation, recogniseScaleAttestation } from "./scale-attestation.ts";

const hex = z.string().transform((text, context) => {
  const bytes = decodeHexText(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: "custom", message: "expected hex" });
  return z.NEVER;
});

const quoteSchema = z.object({ quote: hex, event_log: z.union([z.string(), z.array(z.unknown())]) });
/** Gateways that have no log send an empty list: the quote is then a TD's like any other. */
const gatewaySchema = z.object({
  intel_quote: hex,
  event_log: z.union([z.string().min("[{}]".length), z.array(z.unknown()).min(1)]),
});
const attestationSchema = z.object({ attestation: hex });
/** One of the three: beside a second one, the first would say nothing of it, and each is looked at by itself. */
const schema = z
  .looseObject({})
  .refine((fields) => ["quote", "intel_quote", "attestation"].filter((name) => name in fields).length === 1)
  .pipe(z.union([quoteSchema, gatewaySchema, attestationSchema]));

/** Which kind this is an attestation of dstack's of; undefined where it is none. Throws nothing. */
export function recogniseDstackEvidence(evidence: EvidenceBytes): DstackKind | undefined {
  const input = toEvidenceInput(evidence);
  const attestation = input.isMember ? undefined : recogniseAttestation(input.bytes);
  if (attestation !== undefined) return attestation;
  const shape = schema.safeParse(input.json);
  if (!shape.success) return undefined;
  return "attestation" in shape.data ? recogniseAttestation(shape.data.attestation) : "dstack";
}

function recogniseAttestation(bytes: Uint8Array): DstackKind | undefined {
  const platform = recogniseScaleAttestation(bytes) ?? recogniseMessagePackAttestation(bytes);
  return platform === undefined ? undefined : DSTACK_KINDS[platform];
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED, EVIDENCE_BINDING_MISMATCH */
export function parseDstackEvidence(evidence: EvidenceBytes): DstackAttestation {
  const input = toEvidenceInput(evidence);
  if (!input.isMember && recogniseAttestation(input.bytes) !== undefined)
    return parseAttestation(input.bytes);
  const shape = schema.safeParse(input.requireJson());
  if (!shape.success) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "this is not dstack's: a quote in hex with `event_log`, or `attestation` in hex",
      cause: shape.error,
    });
  }
  if ("attestation" in shape.data) return parseAttestation(shape.data.attestation);
  const quote = "quote" in shape.data ? shape.data.quote : shape.data.intel_quote;
  const { event_log: log } = shape.data;
  const events = typeof log === "string" ? parseDstackEventLog(log) : toDstackEvents(log);
  const stated = events.map((event) => ({ ...event, version: null, preimage: null }));
  return { platform: { kind: "tdx", quote, events: stated }, reportData: null, reportDataPayload: null };
}

/**
 * An attestation of version 0 or 1.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED
 */
export function parseAttestation(bytes: Uint8Array): DstackAttestation {
  return bytes[0] === 0 ? parseScaleAttestation(bytes) : parseMessagePackAttestation(bytes);
}

/**
 * The events of an attestation, each with the digest that it must have been extended with.
 *
 * @throws {EvidenceError} as `toDstackEvent`
 */
export function eventsOf({ platform }: DstackAttestation): readonly DstackEvent[] {
  return platform.kind === "tdx" || platform.kind === "nitroTpm" ? platform.events.map(toDstackEvent) : [];
}
