/**
 * Exchanges with servers that attest themselves: nothing of a request, its headers included, is written before evidence for the very key
 * of the connection was judged. Whatever goes wrong ends the exchange; there is no other way to the provider.
 */

import { createHash, randomBytes } from "node:crypto";
import {
  verifyUpstreamCertificate,
  verifyUpstreamDocument,
  type UpstreamTerms,
  type VerifiedUpstream,
} from "../../attestation/upstream/verify-upstream.ts";
import type { DocumentForm } from "../../attestation/upstream/bindings.ts";
import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { AdytonError, EndorsementError, EvidenceError, UpstreamError } from "../../protocol/errors.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import type { Transport, UpstreamAttested } from "../../protocol/transcript.ts";
import { policyOf, type UpstreamSettings } from "../configuration/upstream-settings.ts";
import { presentedCertificate } from "../egress/egress.ts";
import type { AttestedPeer, Exchange, ExchangeOutcome, OutgoingRequest } from "../egress/exchange.ts";

/** Connections on which one request may meet a key that was not judged: a balancer has several, and a host may make up any number. */
const MAX_KEYS_MET = 3;
/** Keys that are remembered: a provider's machines. */
const MAX_KEYS = 256;
/** Bytes of a document: a node of eight GPUs has a megabyte of certificates. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
/** Bytes of evidence that a receipt carries; of more it has the hash. */
const MAX_CARRIED_BYTES = 256 * 1024;

const COVERS: Readonly<Record<UpstreamSettings["covers"], UpstreamAttested["covers"]>> = {
  channel: ["channel"],
  "channel-and-code": ["channel", "code"],
  "channel-code-and-weights": ["channel", "code", "weights"],
};

export interface AttestedExchangeOptions {
  readonly settings: UpstreamSettings;
  /** To the provider's servers; asks evidence of them too. */
  readonly exchange: Exchange;
  readonly endorsements: EndorsementSource;
  /** Trusted seconds; null while there are none, and then nothing is judged. */
  readonly now: () => number | null;
}

interface JudgedKey {
  readonly until: number;
  readonly peer: AttestedPeer;
}

type Tls = Extract<Transport, { kind: "tls" }>;

export function createAttestedExchange(options: AttestedExchangeOptions): Exchange {
  const upstream = new AttestedUpstream(options);
  return (request) => upstream.send(request);
}

class AttestedUpstream {
  readonly #options: AttestedExchangeOptions;
  readonly #policyDigest: Hex;
  readonly #terms: Omit<UpstreamTerms, "now">;
  readonly #keys = new Map<Hex, JudgedKey>();
  /** By the key that was met: callers who meet it at the same time wait for one judgement. */
  readonly #judging = new Map<Hex, Promise<UpstreamError | null>>();

  constructor(options: AttestedExchangeOptions) {
    const { settings, endorsements } = options;
    const { json, policy } = policyOf(settings);
    this.#options = options;
    this.#policyDigest = configurationDigest(json);
    this.#terms = { policy, endorsements, maxAge: settings.maxAge };
  }

  async send(request: OutgoingRequest): Promise<ExchangeOutcome> {
    for (let met = 0; ; met += 1) {
      const seen: { peer: AttestedPeer | null; unjudged: Tls | null } = { peer: null, unjudged: null };
      const outcome = await this.#options.exchange({
        ...request,
        admit: (transport) => {
          const key = this.#find(transport);
          if (key !== null) seen.peer = key.peer;
          else if (transport.kind === "tls") seen.unjudged = transport;
          if (key === null) throw refused("the connection's key was not attested", null);
        },
      });
      if (seen.peer !== null) return { ...outcome, attested: seen.peer };
      if (seen.unjudged === null) return outcome;
      const error =
        met < MAX_KEYS_MET
          ? await this.#judgeOnce(seen.unjudged, request)
          : refused("the server came with another key each time", null);
      if (error !== null) return { kind: "failed", error, transport: seen.unjudged };
    }
  }

  /** The key of a connection, where it was judged and may still be relied on: asked at each request, on old connections too. */
  #find(transport: Transport): JudgedKey | null {
    const now = this.#options.now();
    const key = transport.kind === "tls" ? this.#keys.get(transport.spkiHash) : undefined;
    return key === undefined || now === null || now < key.peer.judgedAt || now > key.until ? null : key;
  }

  #judgeOnce(transport: Tls, request: OutgoingRequest): Promise<UpstreamError | null> {
    const known = this.#judging.get(transport.spkiHash);
    if (known !== undefined) return known;
    const judging = this.#judge(transport, request).finally(() => this.#judging.delete(transport.spkiHash));
    this.#judging.set(transport.spkiHash, judging);
    return judging;
  }

  /** null where some key was judged and is accepted now: the one that was met, unless another server answered. */
  async #judge(transport: Tls, { url, signal }: OutgoingRequest): Promise<UpstreamError | null> {
    const now = this.#options.now();
    if (now === null) return unavailable("the time is not known, by which evidence is judged", null);
    const { form } = this.#options.settings;
    try {
      if (form === "ra-tls") {
        const der = presentedCertificate(transport);
        if (der === undefined) return refused("the server showed no certificate", null);
        this.#keep(await verifyUpstreamCertificate(der, transport, { ...this.#terms, now }), der, null, now);
        return null;
      }
      const nonce = toHex(randomBytes(32));
      const outcome = await this.#options.exchange({
        url: new URL(pathOf(form, nonce), url),
        method: "GET",
        headers: { accept: "application/json" },
        body: new Uint8Array(),
        maxResponseBytes: MAX_DOCUMENT_BYTES,
        ...(signal === undefined ? {} : { signal }),
      });
      if (outcome.kind === "failed") return unavailable("the server gave no evidence", outcome.error);
      const { status, body, transport: answered } = outcome.response;
      if (status !== 200 || answered.kind !== "tls")
        return unavailable(`the server gave no evidence: HTTP status ${status}`, null);
      const document = { form, bytes: body, nonce };
      const verified = await verifyUpstreamDocument(document, answered, { ...this.#terms, now });
      this.#keep(verified, body, form === "tinfoil" ? null : nonce, now);
      return null;
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      const cause = error as AdytonError;
      return isJudgement(cause)
        ? refused("the server's evidence is not what the behaviour file asks for", cause)
        : unavailable("the server's evidence cannot be judged", cause);
    }
  }

  #keep(
    { kind, spkiHash, until }: VerifiedUpstream,
    document: Uint8Array,
    nonce: Hex | null,
    judgedAt: number,
  ): void {
    const { form, covers } = this.#options.settings;
    this.#keys.delete(spkiHash);
    this.#keys.set(spkiHash, {
      until,
      peer: {
        form,
        kind,
        evidence: document.length > MAX_CARRIED_BYTES ? null : document,
        evidenceHash: toHex(createHash("sha256").update(document).digest()),
        evidenceBytes: document.length,
        policyDigest: this.#policyDigest,
        spkiHash,
        nonce,
        judgedAt,
        covers: COVERS[covers],
      },
    });
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= MAX_KEYS) break;
      this.#keys.delete(oldest);
    }
  }
}

/** Where each kind of service attests itself. No credential goes along: it is for a server that was judged. */
function pathOf(form: DocumentForm, nonce: Hex): string {
  const challenge = nonce.slice(2);
  switch (form) {
    case "aci":
      return `/v1/aci/attestation?nonce=${challenge}`;
    case "near":
      return `/v1/attestation/report?nonce=${challenge}&include_tls_fingerprint=true&signing_algo=ecdsa`;
    case "tinfoil":
      return "/.well-known/tinfoil-attestation";
  }
}

/** Shown to be false, or not accepted. All else could not be judged, now or ever. */
function isJudgement(error: AdytonError): boolean {
  return (
    !(error instanceof EndorsementError) &&
    !(error instanceof EvidenceError && error.code === "EVIDENCE_UNSUPPORTED")
  );
}

function refused(message: string, cause: AdytonError | null): UpstreamError {
  return failure("MODEL_NOT_ATTESTED", message, cause);
}

function unavailable(message: string, cause: AdytonError | null): UpstreamError {
  return failure("MODEL_ATTESTATION_UNAVAILABLE", message, cause);
}

function failure(
  code: "MODEL_NOT_ATTESTED" | "MODEL_ATTESTATION_UNAVAILABLE",
  message: string,
  cause: AdytonError | null,
): UpstreamError {
  return new UpstreamError({
    code,
    message: cause === null ? message : `${message}: ${cause.message}`,
    details: cause === null ? {} : { reason: cause.code },
    cause,
  });
}
