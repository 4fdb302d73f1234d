/** A dstack guest's event log, and the quote that it replays to. */

import { sha384 } from "@noble/hashes/sha2.js";
import { concatBytes, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { AT, mintFakeIntel, type FakeIntel } from "./fake-intel.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface FakeEvent {
  readonly rtmr: number;
  readonly type: number;
  readonly name: string;
  readonly payload: Uint8Array;
  /** Left empty by newer guests where it follows from the rest. */
  readonly digest: Uint8Array;
}

const RUNTIME = 0x08000001;
const RTMR3_AT = AT.mrTd + 7 * 48;

export function runtimeEvent(name: string, payload: Uint8Array = new Uint8Array()): FakeEvent {
  const type = Uint8Array.of(1, 0, 0, 8);
  const digest = sha384(concatBytes(type, toUtf8(`:${name}:`), payload));
  return { rtmr: 3, type: RUNTIME, name, payload, digest };
}

export const APP_ID = new Uint8Array(20).fill(0xa1);
export const COMPOSE_HASH = new Uint8Array(32).fill(0xc0);

export const EVENTS: readonly FakeEvent[] = [
  { rtmr: 0, type: 0x80000008, name: "", payload: new Uint8Array(), digest: new Uint8Array(48).fill(1) },
  runtimeEvent("system-preparing"),
  runtimeEvent("app-id", APP_ID),
  runtimeEvent("compose-hash", COMPOSE_HASH),
  runtimeEvent("instance-id", new Uint8Array(20).fill(0x1d)),
  runtimeEvent("os-image-hash", new Uint8Array(32).fill(0x05)),
  runtimeEvent("key-provider", toUtf8("{}")),
  runtimeEvent("system-ready"),
  runtimeEvent("app-id", toUtf8("an application's own word")),
];

/** A quote whose RTMR3 is what `events` extend. */
export async function mintDstackQuote(events: readonly FakeEvent[]): Promise<FakeIntel> {
  const rtmr3 = events
    .filter(({ rtmr }) => rtmr === 3)
    .reduce<Uint8Array>(
      (value, { name, payload }) => sha384(concatBytes(value, runtimeEvent(name, payload).digest)),
      new Uint8Array(48),
    );
  return await mintFakeIntel({ body: [[RTMR3_AT, rtmr3]] });
}

const bare = (bytes: Uint8Array): string => toHex(bytes).slice(2);

export function toEventLogJson(events: readonly FakeEvent[]): string {
  return JSON.stringify(
    events.map(({ rtmr, type, name, payload, digest }) => ({
      imr: rtmr,
      event_type: type,
      digest: bare(digest),
      event: name,
      event_payload: bare(payload),
    })),
  );
}

/** What the guest agent answers to GetQuote. */
export function toQuoteResponse(quote: Uint8Array, events: readonly FakeEvent[]): Bytes {
  return toUtf8(
    JSON.stringify({
      quote: bare(quote),
      event_log: toEventLogJson(events),
      report_data: "00",
      vm_config: "{}",
    }),
  );
}

/** SCALE: compact lengths, little-endian integers. */
function compact(value: number): Bytes {
  if (value < 64) return Uint8Array.of(value << 2);
  if (value < 16_384) return Uint8Array.of(((value << 2) | 1) & 0xff, value >> 6);
  return Uint8Array.of(((value << 2) | 2) & 0xff, (value >> 6) & 0xff, (value >> 14) & 0xff, value >> 22);
}

const vector = (bytes: Uint8Array): Bytes => concatBytes(compact(bytes.length), bytes);
const uint32 = (value: number): Bytes =>
  Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);

/** Version 0, variant TDX; `rest` is what verifiers do not read. */
export function toVersionedAttestation(
  quote: Uint8Array,
  events: readonly FakeEvent[],
  rest = new Uint8Array(9),
): Bytes {
  const encoded = events.map(({ rtmr, type, digest, name, payload }) =>
    concatBytes(uint32(rtmr), uint32(type), vector(digest), vector(toUtf8(name)), vector(payload)),
  );
  return concatBytes(Uint8Array.of(0, 0), vector(quote), compact(events.length), ...encoded, rest);
}
