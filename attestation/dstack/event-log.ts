/**
 * dstack's event log: what a dstack guest extended, from firmware (RTMR 0 to 2) to the application (RTMR 3).
 *
 * Source: github.com/Dstack-TEE/dstack, cc-eventlog (`TdxEvent`, `RuntimeEvent::digest` and `preimage`), dstack-attest.
 */

import { sha384 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes, fromHex, isHex, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { encodeCanonicalJson } from "../../protocol/canonical-json.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { RTMR_COUNT, RTMR_LENGTH, type RtmrExtension } from "../eventlog/rtmr.ts";

/** Everything that dstack itself extends, and the application through it, goes here. */
export const RUNTIME_RTMR = 3;
/** `DSTACK_RUNTIME_EVENT_TYPE`, of both versions. */
export const RUNTIME_EVENT_TYPE = 0x08000001;

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
  /** How its digest is made; null where the log does not say. */
  readonly version: number | null;
  /** The bytes that were hashed; null where the log does not say. */
  readonly preimage: Uint8Array<ArrayBuffer> | null;
}

/**
 * Events of the JSON log that the guest agent's `GetQuote` returns. Digests of runtime events are recomputed from
 * name and payload; a log that states another is refused.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_BINDING_MISMATCH; EVIDENCE_UNSUPPORTED for events of a version
 *   or type that is not known
 */
export function parseDstackEventLog(json: string): readonly DstackEvent[] {
  return toDstackEvents(parseJson(json));
}

/** `parseDstackEventLog` for JSON that is parsed already. */
export function toDstackEvents(entries: unknown): readonly DstackEvent[] {
  if (!Array.isArray(entries) || entries.length > MAX_EVENTS) throw malformed();
  return entries.map((entry) => toDstackEvent(toRawEvent(entry)));
}

/**
 * An event whose digest is what it claims.
 *
 * @throws {EvidenceError} as `parseDstackEventLog`
 */
export function toDstackEvent(event: RawDstackEvent): DstackEvent {
  const { rtmr, type, name, payload } = event;
  if (rtmr >= RTMR_COUNT) throw malformed();
  if (rtmr !== RUNTIME_RTMR) return { rtmr, type, name, payload, digest: padDigest(event.digest) };
  if (type !== RUNTIME_EVENT_TYPE) throw unsupported("a runtime event is of a type that is not known", event);
  return { rtmr, type, name, payload, digest: runtimeDigest(event) };
}

/**
 * What was extended. Where a log does not say which version, either may be meant; where it says what was hashed and that
 * is neither, the event is of a version that came later. Anything else contradicts itself.
 */
function runtimeDigest(event: RawDstackEvent): Uint8Array<ArrayBuffer> {
  const digests = versionsOf(event).flatMap((version) => preimagesOf(event, version).map(sha384Of));
  const [assumed] = digests as [Uint8Array<ArrayBuffer>];
  if (event.digest.length === 0) return assumed;
  const stated = digests.find((digest) => equalBytes(digest, event.digest));
  if (stated !== undefined) return stated;
  const isLater =
    event.version === null && event.preimage !== null && equalBytes(sha384Of(event.preimage), event.digest);
  if (isLater) throw unsupported("a runtime event is hashed in a way that is not known", event);
  throw new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: "the digest of a runtime event does not follow from its name and payload",
    details: { event: event.name },
  });
}

const VERSIONS = [1, 2] as const;
type EventVersion = (typeof VERSIONS)[number];

function versionsOf(event: RawDstackEvent): readonly EventVersion[] {
  if (event.version === null) return VERSIONS;
  const version = VERSIONS.find((known) => known === event.version);
  if (version === undefined) throw unsupported("a runtime event is of a version that is not known", event);
  return [version];
}

/**
 * Version 1: type (little-endian), name and payload, with colons between. Version 2: canonical JSON (RFC 8785) of the
 * three, or, as the version was first drafted (pull request 646), of name, payload and version. The first is the one
 * that is assumed where a log leaves the digest out.
 */
function preimagesOf({ name, payload }: RawDstackEvent, version: EventVersion): readonly Uint8Array[] {
  if (version === 2) {
    const hex = toHex(payload).slice(2);
    return [
      encodeCanonicalJson({ name, payload: hex, type: RUNTIME_EVENT_TYPE }),
      encodeCanonicalJson({ event: name, payload: hex, version: 2 }),
    ];
  }
  const type = new Uint8Array(4);
  new DataView(type.buffer).setUint32(0, RUNTIME_EVENT_TYPE, true);
  const colon = toUtf8(":");
  return [concatBytes(type, colon, toUtf8(name), colon, payload)];
}

function sha384Of(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha384(bytes));
}

/** Firmware events may carry shorter digests; the register takes 48 bytes. */
function padDigest(digest: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (digest.length > RTMR_LENGTH) throw malformed();
  const padded = new Uint8Array(RTMR_LENGTH);
  padded.set(digest);
  return padded;
}

function parseJson(json: string): unknown {
  if (json.length > MAX_LOG_CHARACTERS) throw malformed();
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw malformed(cause);
  }
}

function toRawEvent(entry: unknown): RawDstackEvent {
  const fields = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const { imr, event, digest, version, preimage } = fields;
  const type = fields["event_type"];
  if (!isUint32(imr) || !isUint32(type) || typeof event !== "string") throw malformed();
  return {
    rtmr: imr,
    type,
    name: event,
    digest: toBytes(digest),
    payload: toBytes(fields["event_payload"]),
    version: toVersion(version),
    preimage: preimage === undefined || preimage === null ? null : toBytes(preimage),
  };
}

function toVersion(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (!isUint32(value)) throw malformed();
  return value;
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

/** dstack writes hex without a prefix. */
function toBytes(value: unknown): Uint8Array<ArrayBuffer> {
  const prefixed = typeof value === "string" ? `0x${value}` : undefined;
  if (!isHex(prefixed)) throw malformed();
  return fromHex(prefixed);
}

function unsupported(message: string, { name, type, version }: RawDstackEvent): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message,
    details: { event: name, type, version },
  });
}

function malformed(cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "this is not a dstack event log", cause });
}
