/**
 * dstack's attestation of version 1: MessagePack, with named fields.
 *
 * Source: github.com/Dstack-TEE/dstack, dstack-attest `v1.rs` (`Attestation`), as `rmp_serde::to_vec_named` writes it:
 * byte vectors are arrays of integers, and `bin` where the field says so.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { decodeBase64Text, decodeHexText } from "../encoding/encoded-text.ts";
import {
  decodeMessagePack,
  type MessagePackLimits,
  type MessagePackValue,
} from "../encoding/message-pack.ts";
import {
  MAX_ATTESTATION_BYTES,
  MAX_EVENTS,
  type DstackAttestation,
  type DstackPlatform,
} from "./attestation.ts";
import { RUNTIME_EVENT_TYPE, RUNTIME_RTMR, type RawDstackEvent } from "./event-log.ts";

/** Every byte of a quote and of a payload may be an item of its own. */
const LIMITS: MessagePackLimits = { maxBytes: MAX_ATTESTATION_BYTES, maxDepth: 8, maxItems: 1_000_000 };

const VERSION_1 = 1;
/** Head of a map of three: `version`, `platform` and `stack`. */
const MAP_HEAD = 0x83;
/** The text "version", with its length. */
const FIRST_KEY = [0xa7, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e] as const;

/** Names of `PlatformEvidence`. A TDX guest on Google's cloud adds a quote of its vTPM, which is not read. */
const PLATFORMS: Readonly<Record<string, DstackPlatform["kind"]>> = {
  tdx: "tdx",
  "gcp-tdx": "tdx",
  "nitro-enclave": "nitro",
  "aws-nitro-tpm": "nitroTpm",
  "sev-snp": "snp",
};

/** The platform of an attestation that begins as these bytes do; undefined where they do not. Throws nothing. */
export function recogniseMessagePackAttestation(bytes: Uint8Array): DstackPlatform["kind"] | undefined {
  if (bytes[0] !== MAP_HEAD || !FIRST_KEY.every((byte, index) => bytes[index + 1] === byte)) return undefined;
  try {
    return parseMessagePackAttestation(bytes).platform.kind;
  } catch {
    // These first bytes are dstack's. The parser tells the platform, or the fault.
    return "tdx";
  }
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another version, platform or stack */
export function parseMessagePackAttestation(bytes: Uint8Array): DstackAttestation {
  const attestation = toMap(decodeMessagePack(bytes, LIMITS));
  const version = attestation.get("version");
  if (version !== VERSION_1) throw unsupported("version", version);
  const [platformName, platform] = readTagged(attestation.get("platform"));
  const [stackName, stack] = readTagged(attestation.get("stack"));
  if (stackName !== "dstack" && stackName !== "dstack-pod") throw unsupported("stack", stackName);
  const kind = PLATFORMS[platformName];
  if (kind === undefined) throw unsupported("platform", platformName);
  const runtimeEvents = toList(stack.get("runtime_events"), toRuntimeEvent);
  const payload = stack.get("report_data_payload");
  return {
    platform: readPlatform(kind, platform, runtimeEvents),
    reportData: toBytes(stack.get("report_data")),
    reportDataPayload: payload === undefined || payload === null ? null : toText(payload),
  };
}

type Fields = ReadonlyMap<string, MessagePackValue>;

/** `{ kind, data }`. */
function readTagged(value: MessagePackValue | undefined): readonly [kind: string, data: Fields] {
  const map = toMap(value);
  return [toText(map.get("kind")), toMap(map.get("data"))];
}

function readPlatform(
  kind: DstackPlatform["kind"],
  fields: Fields,
  runtimeEvents: readonly RawDstackEvent[],
): DstackPlatform {
  switch (kind) {
    case "tdx": {
      const logged = toList(fields.get("event_log"), toTdxEvent);
      // Runtime events stand in both, unless a writer left one of them out.
      const isLogged = logged.some(({ rtmr }) => rtmr === RUNTIME_RTMR);
      const events = isLogged ? logged : [...logged, ...runtimeEvents];
      return { kind, quote: toBytes(fields.get("quote")), events };
    }
    case "snp":
      return {
        kind,
        report: toBytes(fields.get("report")),
        certificates: toList(fields.get("cert_chain"), toBytes),
        mrConfig: toText(fields.get("mr_config")),
      };
    case "nitro":
      return { kind, document: toBytes(fields.get("nsm_quote")) };
    case "nitroTpm":
      return { kind, document: toBytes(fields.get("attestation_doc")), events: runtimeEvents };
  }
}

function toTdxEvent(value: MessagePackValue): RawDstackEvent {
  const fields = toMap(value);
  const preimage = fields.get("preimage");
  return {
    rtmr: toUint(fields.get("imr")),
    type: toUint(fields.get("event_type")),
    digest: toBytes(fields.get("digest") ?? new Uint8Array()),
    name: toText(fields.get("event")),
    payload: toBytes(fields.get("event_payload")),
    version: toVersion(fields.get("version")),
    preimage: preimage === undefined || preimage === null ? null : toBytes(preimage),
  };
}

function toRuntimeEvent(value: MessagePackValue): RawDstackEvent {
  const fields = toMap(value);
  const payload = fields.get("payload");
  return {
    rtmr: RUNTIME_RTMR,
    type: RUNTIME_EVENT_TYPE,
    digest: new Uint8Array(),
    name: toText(fields.get("event")),
    // Its serialiser writes base64 where it writes text, unlike that of every other field.
    payload: typeof payload === "string" ? toDecoded(decodeBase64Text(payload)) : toBytes(payload),
    version: toVersion(fields.get("version")),
    preimage: null,
  };
}

/** Left out where it is 1. */
function toVersion(value: MessagePackValue | undefined): number {
  return value === undefined ? VERSION_1 : toUint(value);
}

function toMap(value: MessagePackValue | undefined): Fields {
  if (!(value instanceof Map)) throw malformed();
  return value as Fields;
}

function toText(value: MessagePackValue | undefined): string {
  if (typeof value !== "string") throw malformed();
  return value;
}

function toUint(value: MessagePackValue | undefined): number {
  if (typeof value !== "number" || value < 0 || value > 0xffffffff) throw malformed();
  return value;
}

/** `bin`, an array of integers, or hex. */
function toBytes(value: MessagePackValue | undefined): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return value === "" ? new Uint8Array() : toDecoded(decodeHexText(value));
  if (!Array.isArray(value)) throw malformed();
  return Uint8Array.from(value as readonly MessagePackValue[], toByte);
}

function toByte(value: MessagePackValue): number {
  if (typeof value !== "number" || value < 0 || value > 0xff) throw malformed();
  return value;
}

function toDecoded(bytes: Uint8Array<ArrayBuffer> | undefined): Uint8Array<ArrayBuffer> {
  if (bytes === undefined) throw malformed();
  return bytes;
}

function toList<T>(value: MessagePackValue | undefined, toItem: (item: MessagePackValue) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > MAX_EVENTS) throw malformed();
  return (value as readonly MessagePackValue[]).map(toItem);
}

function unsupported(what: string, value: MessagePackValue | undefined): EvidenceError {
  const shown = typeof value === "string" || typeof value === "number" ? String(value) : "absent";
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: `a dstack attestation whose ${what} is not known`,
    details: { [what]: shown },
  });
}

function malformed(): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: "this is not an attestation of dstack's, version 1",
  });
}
