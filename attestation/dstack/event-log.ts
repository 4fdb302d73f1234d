/**
 * dstack's event log: what a dstack guest extended, from firmware (RTMR 0 to 2) to the application (RTMR 3).
 *
 * Source: github.com/Dstack-TEE/dstack, cc-eventlog (`TdxEvent`, `RuntimeEvent::digest`), dstack-attest.
 */

import { sha384 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes, fromHex, isHex, toUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { RTMR_COUNT, RTMR_LENGTH, type RtmrExtension } from "../eventlog/rtmr.ts";

/** Everything that dstack itself extends, and the application through it, goes here. */
export const RUNTIME_RTMR = 3;
/** `DSTACK_RUNTIME_EVENT_TYPE`. */
const RUNTIME_EVENT_TYPE = 0x08000001;

/** A guest extends about thirty events; applications may add some. */
const MAX_EVENTS = 4096;
/** Several times what thirty events need, with room for an application's own. */
const MAX_LOG_CHARACTERS = 4 * 1024 * 1024;

export interface DstackEvent extends RtmrExtension {
  readonly type: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  /** Name; empty for firmware events. */
  readonly name: string;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** An event as a log gives it; `digest` may be empty where it follows from the rest. */
export interface RawDstackEvent {
  readonly rtmr: number;
  readonly type: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/**
 * Events of the JSON log that the guest agent's `GetQuote` returns. Digests of runtime events are recomputed from
 * name and payload; a log that states another is refused.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_BINDING_MISMATCH
 */
export function parseDstackEventLog(json: string): readonly DstackEvent[] {
  const entries = parseJson(json);
  if (!Array.isArray(entries) || entries.length > MAX_EVENTS) {
    throw malformed();
  }
  return entries.map((entry) => toDstackEvent(toRawEvent(entry)));
}

/**
 * An event whose digest is what it claims.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_BINDING_MISMATCH
 */
export function toDstackEvent(event: RawDstackEvent): DstackEvent {
  if (event.rtmr >= RTMR_COUNT) {
    throw malformed();
  }
  if (event.rtmr !== RUNTIME_RTMR) {
    return { ...event, digest: padDigest(event.digest) };
  }
  const digest = runtimeEventDigest(event);
  if (event.type !== RUNTIME_EVENT_TYPE || (event.digest.length > 0 && !equalBytes(event.digest, digest))) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the digest of a runtime event does not follow from its name and payload",
      details: { event: event.name },
    });
  }
  return { ...event, digest };
}

/** SHA-384 of the type (little-endian), name and payload, with colons between. */
function runtimeEventDigest(event: RawDstackEvent): Uint8Array<ArrayBuffer> {
  const type = new Uint8Array(4);
  new DataView(type.buffer).setUint32(0, event.type, true);
  const colon = toUtf8(":");
  return new Uint8Array(sha384(concatBytes(type, colon, toUtf8(event.name), colon, event.payload)));
}

/** Firmware events may carry shorter digests; the register takes 48 bytes. */
function padDigest(digest: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (digest.length > RTMR_LENGTH) {
    throw malformed();
  }
  const padded = new Uint8Array(RTMR_LENGTH);
  padded.set(digest);
  return padded;
}

function parseJson(json: string): unknown {
  if (json.length > MAX_LOG_CHARACTERS) {
    throw malformed();
  }
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw malformed(cause);
  }
}

function toRawEvent(entry: unknown): RawDstackEvent {
  const fields = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const { imr, event, digest } = fields;
  const type = fields["event_type"];
  if (!isUint32(imr) || !isUint32(type) || typeof event !== "string") {
    throw malformed();
  }
  return { rtmr: imr, type, name: event, digest: toBytes(digest), payload: toBytes(fields["event_payload"]) };
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

/** dstack writes hex without a prefix. */
function toBytes(value: unknown): Uint8Array<ArrayBuffer> {
  const prefixed = typeof value === "string" ? `0x${value}` : undefined;
  if (!isHex(prefixed)) {
    throw malformed();
  }
  return fromHex(prefixed);
}

function malformed(cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "this is not a dstack event log", cause });
}
