/** One way of reaching an enclave whose keys were attested, and what a client has to know of the ways. */

import type { AttestedPeer } from "./attested-client.ts";
import type { EvidenceVerifier } from "./evidence-verifier.ts";

export interface Channel {
  readonly peer: AttestedPeer;
  /**
   * @param body null for none
   * @throws {KeysChanged} when the other end no longer holds the attested keys
   */
  readonly send: (request: Request, body: Uint8Array<ArrayBuffer> | null) => Promise<Response>;
  readonly close: () => void;
}

/** @throws what `EvidenceVerifier` throws; {UpstreamError} ENCLAVE_UNAVAILABLE when it cannot be reached */
export type OpenChannel = (origin: string, verifier: EvidenceVerifier) => Promise<Channel>;

/** The other end shows other keys than the attested ones. Never leaves the client. */
export class KeysChanged extends Error {
  /** Whether it is certain that nobody has read the call: then it may be sent again, to keys that are judged anew. */
  readonly unsent: boolean;

  constructor(unsent: boolean, cause?: unknown) {
    super("the enclave's keys have changed", { cause });
    this.name = "KeysChanged";
    this.unsent = unsent;
  }
}
