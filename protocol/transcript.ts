/** The record of a call, in order: each event is salted and hashed into one tree, so that one can be shown and none guessed. */

import * as z from "zod";
import { AGENT_EVENTS } from "./agent-events.ts";
import { concatBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { encodeCanonicalJson } from "./canonical-json.ts";
import {
  AGENT_DOMAIN_NAME,
  FUNCTIONS_DOMAIN_NAME,
  OFF_CHAIN_DOMAIN_NAME,
  ON_CHAIN_DOMAIN_NAME,
} from "./domain.ts";
import { bytes32, uint32, uint8 } from "./fields.ts";
import { MAX_TRANSCRIPT_EVENTS } from "./limits.ts";
import { leafHash, merkleRoot } from "./merkle-tree.ts";
import { StateBlockText } from "./state-block.ts";

/** Seconds since the epoch; a JSON number until the year 9999. */
const seconds = z.int().min(0).max(253_402_300_799);
const size = z.int().min(0);

/** Characters of a reason: a field of a type, and what it must be. */
export const MAX_REASON_LENGTH = 600;

export const Transport = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("plain-loopback"), address: z.string() }),
  z.strictObject({
    kind: z.literal("tls"),
    host: z.string(),
    port: z.int().min(1).max(65_535),
    protocol: z.string(),
    cipher: z.string(),
    group: z.string().nullable(),
    certificateHashes: z.array(bytes32),
    spkiHash: bytes32,
    subjectAltNames: z.array(z.string()),
    exporter: bytes32.nullable(),
    scts: z.array(z.strictObject({ logId: bytes32, timestamp: z.int().min(0) })),
  }),
]);
export type Transport = z.output<typeof Transport>;

/** The label of the RFC 5705 exporter value that names the TLS session in a transcript. */
export const EXPORTER_LABEL = "EXPORTER-adyton-transcript";

export const Usage = z.strictObject({ inputTokens: size, outputTokens: size });

/** Before anything was sent, the server of an exchange was judged by evidence for the key of that connection. */
const UpstreamAttested = z.strictObject({
  type: z.literal("upstream.attested"),
  exchange: uint32,
  /** How the evidence came. */
  form: z.enum(["ra-tls", "aci", "near", "tinfoil"]),
  /** Of evidence. */
  kind: z.string().max(32),
  /** SHA-256 of the certificate (DER) or the document. */
  evidenceHash: bytes32,
  evidenceBytes: size,
  /** `configurationDigest` of the appraisal policy in the behaviour file. */
  policyDigest: bytes32,
  spkiHash: bytes32,
  /** That the document was asked for with; null where its form has none. */
  nonce: bytes32.nullable(),
  /** It may have been judged for an earlier exchange. */
  judgedAt: seconds,
  /** What the evidence vouches for, by that policy. */
  covers: z.array(z.enum(["channel", "code", "weights"])).min(1),
});
export type UpstreamAttested = z.output<typeof UpstreamAttested>;

export const TranscriptEvent = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("request.received"),
    domain: z.enum([ON_CHAIN_DOMAIN_NAME, OFF_CHAIN_DOMAIN_NAME, FUNCTIONS_DOMAIN_NAME, AGENT_DOMAIN_NAME]),
    requestId: bytes32,
    payloadHash: bytes32,
    /** The request's; through Functions too. Off chain the caller's, zero where it named none. */
    context: bytes32,
    /** The block that the answer is bound to; null off chain. */
    stateBlock: StateBlockText.nullable(),
    evidenceHash: bytes32,
    time: seconds,
    clock: z.strictObject({ source: z.string(), lowerBound: seconds }),
  }),
  z.strictObject({
    type: z.literal("request.forwarded"),
    exchange: uint32,
    /** null where no model is asked. */
    model: z.string().nullable(),
    url: z.string(),
    method: z.string(),
    bodyHash: bytes32,
    bodyBytes: size,
  }),
  z.strictObject({
    type: z.literal("response.received"),
    exchange: uint32,
    status: z.int().min(100).max(999),
    bodyHash: bytes32,
    bodyBytes: size,
    requestedModel: z.string().nullable(),
    returnedModel: z.string().nullable(),
    responseId: z.string().nullable(),
    usage: Usage.nullable(),
    transport: Transport,
  }),
  z.strictObject({
    type: z.literal("exchange.failed"),
    exchange: uint32,
    code: z.string(),
    transport: Transport.nullable(),
  }),
  /** What a model was given of a part of the prompt, after the exchange that brought it. */
  z.strictObject({
    type: z.literal("source.read"),
    /** Among the prompt's parts, from 0. */
    part: uint32,
    kind: z.enum(["page", "image", "document"]),
    exchange: uint32,
    mediaType: z.string().max(128),
    /** SHA-256 of what the model was given: the bytes of a file, the text of a page in UTF-8. */
    contentHash: bytes32,
    contentBytes: size,
    /** How a page became its text; null for a file. */
    page: z
      .strictObject({
        encoding: z.string().max(16),
        /** Expanded. */
        decodedBytes: size,
        extractor: z.string().max(64),
        /** Nothing was left out for its length. */
        isWhole: z.boolean(),
      })
      .nullable(),
  }),
  /** What a model was told of a contract, after the exchanges that showed it: proven in the state of that block. */
  z.strictObject({
    type: z.literal("state.read"),
    /** Among the prompt's parts, from 0. */
    part: uint32,
    chainId: z.string().regex(/^[1-9][0-9]{0,77}$/),
    block: StateBlockText,
    /** SHA-256 of the value as JSON, in UTF-8. */
    contentHash: bytes32,
    contentBytes: size,
  }),
  UpstreamAttested,
  z.strictObject({
    type: z.literal("output.returned"),
    status: uint8,
    outputHash: bytes32,
    outputBytes: size,
    /** Why there is no output, in words for a person; null for an answer that is ok, and where they could tell of a secret. */
    reason: z.string().max(MAX_REASON_LENGTH).nullable(),
  }),
  ...AGENT_EVENTS,
]);
export type TranscriptEvent = z.output<typeof TranscriptEvent>;

const KNOWN_TYPES: ReadonlySet<string> = new Set(
  TranscriptEvent.options.map(({ shape }) => shape.type.value),
);

/**
 * An event of a type that this version does not know. It is under the answer's signature like every other, so that it is kept
 * and shown as not understood; an event of a known type in another form is malformed.
 */
export const UnknownEvent = z
  .record(z.string(), z.json())
  .refine((event) => typeof event["type"] === "string" && !KNOWN_TYPES.has(event["type"]), {
    error: "expected an event, which names its type",
  });
export type UnknownEvent = z.output<typeof UnknownEvent>;

export function isUnderstood(event: TranscriptEvent | UnknownEvent): event is TranscriptEvent {
  return typeof event.type === "string" && KNOWN_TYPES.has(event.type);
}

/** A disclosed event with its salt, or only the hash of one that is withheld. */
export const TranscriptLeaf = z.union([
  z.strictObject({ salt: bytes32, event: z.union([TranscriptEvent, UnknownEvent]) }),
  z.strictObject({ leafHash: bytes32 }),
]);
export type TranscriptLeaf = z.output<typeof TranscriptLeaf>;

/** The leaf's event, where it is disclosed and of a type that we know. */
export function understoodEvent(leaf: TranscriptLeaf): TranscriptEvent | undefined {
  return "event" in leaf && isUnderstood(leaf.event) ? leaf.event : undefined;
}

export const Transcript = z.array(TranscriptLeaf).min(2).max(MAX_TRANSCRIPT_EVENTS);
export type Transcript = z.output<typeof Transcript>;

export function transcriptLeafHash(leaf: TranscriptLeaf): Uint8Array {
  if ("leafHash" in leaf) return fromHex(leaf.leafHash, 32);
  return leafHash(concatBytes(fromHex(leaf.salt, 32), encodeCanonicalJson(leaf.event)));
}

/** `transcriptRoot` of the answer. */
export function transcriptRoot(transcript: Transcript): Hex {
  return toHex(merkleRoot(transcript.map(transcriptLeafHash)));
}
