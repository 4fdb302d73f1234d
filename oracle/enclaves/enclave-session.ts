import { randomBytes } from "node:crypto";
import { type Hex, toHex } from "../../protocol/bytes.ts";
import type { AttestationReply } from "../../protocol/enclave-api.ts";
import { EvidenceError, UpstreamError } from "../../protocol/errors.ts";
import { EnclaveClient } from "./enclave-client.ts";
import type { EvidenceVerifier } from "../../client/evidence-verifier.ts";
import { type PeerCertificate, readPeerCertificate } from "../../client/pinned-agent.ts";

/** A provider's key that the operator pays with: the behaviour file's name for it, and where it lies. */
export interface SecretFile {
  readonly name: string;
  readonly file: string;
  /** Whose planned upgrades may take it along (`upgradeAuthorityId`). */
  readonly upgrades?: Hex | undefined;
}

export interface EnclaveAddress {
  readonly url: string;
  readonly callerToken: string;
  /** The keys of its providers: sealed to it once it is verified, and to nobody else. */
  readonly secrets: readonly SecretFile[];
}

/** An enclave whose evidence was verified, and the only connection that reaches it. */
export interface EnclaveSession {
  readonly url: string;
  readonly keysetId: Hex;
  readonly client: EnclaveClient;
  readonly attestation: AttestationReply;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Connects to an enclave. Holds on return: the certificate's evidence and fresh evidence for a nonce of ours both satisfy
 * the policy and name the same keyset; every later byte goes to the holder of that keyset's TLS key. Until then the server
 * has seen the nonce, and no credential.
 *
 * @throws {EvidenceError} not genuine; {AppraisalError} refused; {EndorsementError} cannot judge now;
 *   {UpstreamError} ENCLAVE_UNAVAILABLE when it cannot be reached
 */
export async function connectEnclave(
  address: Pick<EnclaveAddress, "url" | "callerToken">,
  verifier: EvidenceVerifier,
  limits: { readonly answerTimeoutMs: number; readonly maxSockets: number },
): Promise<EnclaveSession> {
  const peer = await readCertificate(address.url);
  const certified = await verifier.verifyCertificate(peer);
  const client = new EnclaveClient({ ...address, ...limits, tlsKeyHash: peer.tlsKeyHash });
  try {
    const nonce = toHex(randomBytes(32));
    const attestation = await client.attestation(nonce);
    const { keysetId: id } = await verifier.verifyAttestation(attestation, nonce);
    if (id !== certified || attestation.keyset.tlsKeyHash !== peer.tlsKeyHash) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "the certificate, the fresh evidence and the connection do not name the same keys",
      });
    }
    return { url: address.url, keysetId: id, client, attestation };
  } catch (error) {
    client.close();
    throw error;
  }
}

async function readCertificate(url: string): Promise<PeerCertificate> {
  const { hostname, port } = new URL(url);
  try {
    return await readPeerCertificate(
      { host: hostname, port: Number(port === "" ? 443 : port) },
      HANDSHAKE_TIMEOUT_MS,
    );
  } catch (cause) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "no TLS connection to the enclave",
      details: { host: hostname },
      cause,
    });
  }
}
