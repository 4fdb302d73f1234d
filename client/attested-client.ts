/** An application's connection: a `fetch` that reaches one attested enclave and nobody else, and the receipts of its replies. */

import type { AppraisalPolicy, AppraisedEvidence, VerifiedReceipt } from "../attestation/index.ts";
import type { EndorsementSource } from "../attestation/endorsements/endorsement-source.ts";
import type { Hex } from "../protocol/bytes.ts";
import type { Keyset } from "../protocol/keyset.ts";

export interface AttestedFetchOptions {
  /** Which enclaves are accepted. */
  readonly policy: AppraisalPolicy;
  /** Endorsements that the enclave does not bring itself. Default: none are fetched, and evidence that needs them is refused. */
  readonly endorsements?: EndorsementSource;
  /** Seconds after which evidence is asked for and judged again, also where the key is the same. Default 3,600. */
  readonly maxEvidenceAge?: number;
  /** Called with each peer that the policy accepted, before anything is sent to it. Throw to refuse. */
  readonly onVerified?: (peer: AttestedPeer) => void | Promise<void>;
  /** Milliseconds of the wall clock. */
  readonly now?: () => number;
}

/** The enclave at the other end: its keys, and the evidence for them that the policy accepted. */
export interface AttestedPeer {
  readonly keyset: Keyset;
  readonly keysetId: Hex;
  readonly evidence: AppraisedEvidence;
  readonly transport: "pinned-tls" | "sealed";
}

/** Of a `Response`, or headers as clients hand them on. */
export type ReceiptOf =
  | { readonly headers: Headers | Readonly<Record<string, string>> }
  | Headers
  | Readonly<Record<string, string>>;

export interface AttestedClient extends Disposable {
  /**
   * A `fetch` for one origin, for any client that takes one. Another origin, plain http and redirects are refused. A path is
   * enough of a URL.
   */
  readonly fetch: typeof globalThis.fetch;
  /** As it was judged last. */
  readonly peer: AttestedPeer;
  /**
   * The receipt that `adyton-receipt` names, once the reply has been read to its end.
   *
   * Holds on return: what `verifyReceipt` establishes; a keyset signed it that this client accepted; the policy accepts the
   * evidence in it; and its payload is the body that was sent.
   *
   * @throws {InputError} INPUT_NOT_FOUND for a reply that this client did not bring, or not lately; {EvidenceError},
   *   {AppraisalError}, {EndorsementError} for what does not hold
   */
  receipt(reply: ReceiptOf): Promise<VerifiedReceipt>;
  /** Ends idle connections; calls in flight are served. */
  close(): void;
}
