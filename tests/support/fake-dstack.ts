/** A dstack guest: its event log, the quote that it replays to, and attestations on every platform. */

import { sha256, sha384 } from "@noble/hashes/sha2.js";
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
      (value, { name, payload, digest }) =>
        sha384(concatBytes(value, digest.length === 48 ? digest : runtimeEvent(name, payload).digest)),
      new Uint8Array(48),
    );
  return await mintFakeIntel({ body: [[RTMR3_AT, rtmr3]] });
}

/** PCR14 of a NitroTPM into which `events` were extended. */
export function pcr14Of(events: readonly FakeEvent[]): Uint8Array {
  return events
    .filter(({ rtmr }) => rtmr === 3)
    .reduce<Uint8Array>((value, { digest }) => sha384(concatBytes(value, digest)), new Uint8Array(48));
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

/** SHA-384 of what version 2 hashes: canonical JSON. */
export function secondVersion(event: FakeEvent): FakeEvent {
  const json = `{"name":${JSON.stringify(event.name)},"payload":"${bare(event.payload)}","type":134217729}`;
  return { ...event, digest: sha384(toUtf8(json)) };
}

/** What a guest was launched with on SEV-SNP, and the HOST_DATA that commits to it. */
export function mrConfigOf(fields: object = {}): { readonly document: string; readonly hostData: Bytes } {
  const document = JSON.stringify({
    app_id: bare(APP_ID),
    compose_hash: bare(COMPOSE_HASH),
    key_provider: "kms",
    key_provider_id: "aa",
    version: 3,
    ...fields,
  });
  const hashed = concatBytes(toUtf8("dstack-mr-config-v3:"), Uint8Array.of(0), toUtf8(document));
  return { document, hostData: new Uint8Array(sha256(hashed)) };
}

/** What the hardware says, whichever it is. */
export type FakePlatform =
  | { readonly kind: "tdx"; readonly quote: Uint8Array }
  | {
      readonly kind: "snp";
      readonly report: Uint8Array;
      readonly certificates: readonly Uint8Array[];
      readonly mrConfig: string;
    }
  | { readonly kind: "nitro" | "nitroTpm"; readonly document: Uint8Array };

export interface FakeAttestation {
  readonly platform: FakePlatform;
  readonly events: readonly FakeEvent[];
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** Version 1 only. */
  readonly payload?: string;
}

const runtimeEvents = (events: readonly FakeEvent[]) => events.filter(({ rtmr }) => rtmr === 3);

/** SCALE, as guests exchanged it first. */
export function toScale({ platform, events, reportData }: FakeAttestation): Bytes {
  if (platform.kind === "tdx") return toVersionedAttestation(platform.quote, events);
  const runtime = runtimeEvents(events);
  const encoded = runtime.map(({ name, payload }) => concatBytes(vector(toUtf8(name)), vector(payload)));
  const rest = concatBytes(compact(runtime.length), ...encoded, reportData, vector(toUtf8("{}")));
  if (platform.kind === "snp") {
    const { report, certificates, mrConfig } = platform;
    const chain = concatBytes(compact(certificates.length), ...certificates.map(vector));
    return concatBytes(Uint8Array.of(0, 3), vector(report), chain, vector(toUtf8(mrConfig)), rest);
  }
  const variant = platform.kind === "nitro" ? 2 : 4;
  return concatBytes(Uint8Array.of(0, variant), vector(platform.document), rest);
}

/** MessagePack with named fields, as `rmp_serde` writes it. */
export function toMessagePack(
  attestation: FakeAttestation,
  { version = 1, stack = "dstack", eventVersion = null as number | null } = {},
): Bytes {
  const { platform, events, reportData, payload } = attestation;
  const versioned = eventVersion === null ? {} : { version: eventVersion };
  const runtime = runtimeEvents(events).map((event) => ({
    event: event.name,
    payload: event.payload,
    ...versioned,
  }));
  return pack({
    version,
    platform: packPlatform(platform, events, versioned),
    stack: {
      kind: stack,
      data: {
        report_data: [...reportData],
        runtime_events: runtime,
        config: "{}",
        ...(payload === undefined ? {} : { report_data_payload: payload }),
      },
    },
  });
}

function packPlatform(platform: FakePlatform, events: readonly FakeEvent[], versioned: object): object {
  switch (platform.kind) {
    case "tdx": {
      const event_log = events.map((event) => ({
        imr: event.rtmr,
        event_type: event.type,
        digest: event.digest,
        event: event.name,
        event_payload: event.payload,
        ...(event.rtmr === 3 ? versioned : {}),
      }));
      return { kind: "tdx", data: { quote: [...platform.quote], event_log } };
    }
    case "snp": {
      const { report, certificates, mrConfig } = platform;
      const cert_chain = certificates.map((certificate) => [...certificate]);
      return { kind: "sev-snp", data: { report: [...report], cert_chain, mr_config: mrConfig } };
    }
    case "nitro":
      return { kind: "nitro-enclave", data: { nsm_quote: [...platform.document] } };
    case "nitroTpm":
      return { kind: "aws-nitro-tpm", data: { attestation_doc: [...platform.document] } };
  }
}

/** MessagePack of what a test needs: lengths of 32 bits throughout, which every reader takes. */
export function pack(value: unknown): Bytes {
  const be32 = (length: number): Bytes =>
    Uint8Array.of(length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
  if (typeof value === "number")
    return value < 128 ? Uint8Array.of(value) : concatBytes(Uint8Array.of(0xce), be32(value));
  if (typeof value === "string")
    return concatBytes(Uint8Array.of(0xdb), be32(toUtf8(value).length), toUtf8(value));
  if (value instanceof Uint8Array) return concatBytes(Uint8Array.of(0xc6), be32(value.length), value);
  if (Array.isArray(value)) return concatBytes(Uint8Array.of(0xdd), be32(value.length), ...value.map(pack));
  const entries = Object.entries(value as object);
  const head = Uint8Array.of(0x80 | entries.length);
  return concatBytes(head, ...entries.flatMap(([key, inner]) => [packKey(key), pack(inner)]));
}

/** Keys are short: in their shortest form, by which a reader knows the format. */
function packKey(key: string): Bytes {
  return key.length < 32 ? concatBytes(Uint8Array.of(0xa0 | key.length), toUtf8(key)) : pack(key);
}
