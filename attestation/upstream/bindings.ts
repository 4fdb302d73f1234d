/**
 * How gateways and inference services bind evidence to the key of a TLS connection: what the report data of a genuine piece must be,
 * by each of their documents. The document's own fields are only what the hash is computed from; a wrong one gives another hash.
 *
 * Sources: ACI specification §3.1, §3.2 and §4 (Dstack-TEE/private-ai-gateway b6b5c1b); NEAR AI's verifier, `tls_verifier.py`
 * (nearai/nearai-cloud-verifier); tinfoil's verifier, `attestation.ts` (tinfoilsh/tinfoil-js).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import * as z from "zod";
import { concatBytes, fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseJsonEvidence } from "../evidence/json-evidence.ts";
import type { UnixSeconds } from "../time/unix-time.ts";

export const DOCUMENT_FORMS = ["aci", "near", "tinfoil"] as const;
export type DocumentForm = (typeof DOCUMENT_FORMS)[number];

/** The connection that a document is to vouch for. */
export interface Peer {
  readonly host: string;
  /** SHA-256 of the SubjectPublicKeyInfo that the server has proven to hold. */
  readonly spkiHash: Hex;
}

/** 32 bytes that the document was asked for with. */
export type Nonce = Hex;

export interface BoundDocument {
  /** The part of the document in which the evidence stands: in others a gateway tells of other machines. */
  readonly evidence: Uint8Array<ArrayBuffer>;
  /** Whether report data commits to the peer's key, and to the nonce where the form has one. */
  readonly isBound: (reportData: Hex) => boolean;
  /** The last second at which the service itself stands by its keys; null where it names none. */
  readonly until: UnixSeconds | null;
}

/** Bytes of report data on SGX, TDX and SNP. */
const REPORT_DATA_BYTES = 64;

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED, EVIDENCE_BINDING_MISMATCH */
export function readBinding(
  form: DocumentForm,
  document: Uint8Array,
  peer: Peer,
  nonce: Nonce,
): BoundDocument {
  const json = parseJsonEvidence(document);
  switch (form) {
    case "aci":
      return readAci(json, peer, nonce);
    case "near":
      return readNear(json, peer, nonce);
    case "tinfoil":
      // 32 bytes of the TLS key's hash, then a key for sealed bodies, which are not used here. No nonce.
      return {
        evidence: toBytes(json),
        isBound: (reportData) => reportData.startsWith(peer.spkiHash) && isWhole(reportData),
        until: null,
      };
  }
}

const TlsKey = z.object({ spki_sha256: z.string(), domain: z.string().nullish() });
const AciReport = z.object({
  api_version: z.literal("aci/1"),
  attestation: z.looseObject({
    workload_keyset: z.looseObject({
      not_after: z.int().min(0),
      tls_public_keys: z.array(
        z.union([TlsKey, z.object({ spki_sha256_hex: z.string(), domain: z.string().nullish() })]),
      ),
    }),
  }),
});

/** Report data is the hash of a statement, which names the nonce and the hash of the keyset, which lists the TLS keys. */
function readAci(json: unknown, { host, spkiHash }: Peer, nonce: Nonce): BoundDocument {
  const { attestation } = parse(AciReport, json, "an ACI attestation report of version 1");
  const { workload_keyset: keyset } = attestation;
  const keys = keyset.tls_public_keys.map((key) => ({
    spki: "spki_sha256" in key ? key.spki_sha256 : key.spki_sha256_hex,
    domain: key.domain ?? null,
  }));
  const ofHost = keys.filter(({ domain }) => domain === null || domain.toLowerCase() === host.toLowerCase());
  if (!ofHost.some(({ spki }) => spki.toLowerCase() === spkiHash.slice(2)))
    throw otherKey("the attested keyset lists other TLS keys for this host than the server's");
  const digest = `sha256:${toHex(sha256(encodeCanonicalJson(keyset as Json))).slice(2)}`;
  const statement = encodeCanonicalJson({
    keyset_digest: digest,
    nonce: nonce.slice(2),
    purpose: "aci.report_data.v1",
  });
  const expected = toHex(concatBytes(sha256(statement), new Uint8Array(REPORT_DATA_BYTES - 32)));
  return {
    evidence: toBytes(attestation),
    isBound: (reportData) => reportData === expected,
    until: keyset.not_after - 1,
  };
}

const NearReport = z.looseObject({
  signing_address: z.string().regex(/^(?:0x)?(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/),
});
const NearCloudReport = z.looseObject({ gateway_attestation: NearReport });

/** SHA-256 of the signing address and the TLS key's hash, then the nonce. A cloud's report has the gateway's beside those of models. */
function readNear(json: unknown, { spkiHash }: Peer, nonce: Nonce): BoundDocument {
  const cloud = NearCloudReport.safeParse(json);
  const report = cloud.success
    ? cloud.data.gateway_attestation
    : parse(NearReport, json, "an attestation report with a signing address");
  const address = fromHex(`0x${report.signing_address.replace(/^0x/, "").toLowerCase()}`);
  const expected = toHex(concatBytes(sha256(concatBytes(address, fromHex(spkiHash))), fromHex(nonce)));
  return { evidence: toBytes(report), isBound: (reportData) => reportData === expected, until: null };
}

function isWhole(reportData: Hex): boolean {
  return reportData.length === "0x".length + 2 * REPORT_DATA_BYTES;
}

function parse<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: `the document is not ${what}`,
    cause: parsed.error,
  });
}

function toBytes(json: unknown): Uint8Array<ArrayBuffer> {
  return toUtf8(JSON.stringify(json));
}

export function otherKey(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_BINDING_MISMATCH", message });
}
