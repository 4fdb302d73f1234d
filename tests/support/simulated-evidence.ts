/** Evidence that verifies everywhere without endorsements: the simulator's, bound to what a test wants. */

import { createKeys } from "../../enclave/identity/keys.ts";
import { issueCertificate } from "../../enclave/identity/certificate.ts";
import {
  createSimulatorAttester,
  type SimulatorOptions,
} from "../../enclave/attesters/simulator/simulator-attester.ts";
import * as p from "../../protocol/index.ts";

/** 2026-11-01T00:00:00Z, inside the validity of the simulator's certificates. */
export const SIMULATED_NOW = 1_793_491_200;
export const SIMULATED_TIME = "2026-11-01T00:00:00Z";

export async function simulatedQuote(
  reportData: Uint8Array = new Uint8Array(64),
  options: Partial<SimulatorOptions> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return await (await createSimulatorAttester(options)).getEvidence(reportData);
}

/** As `GET /v1/attestation` answers it. */
export async function simulatedAttestation(nonce: p.Hex): Promise<p.BoundEvidence> {
  const keysetId = p.keccakText("a keyset");
  const claims = p.encodeClaims({ nonce, keysetId, tlsKeyHash: p.keccakText("a TLS key") });
  const quote = await simulatedQuote(p.claimsReportData(claims));
  return { kind: "simulator", bytes: p.toHex(quote), claims: p.toHex(claims) };
}

export interface SimulatedServerIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A TLS key and its RA-TLS certificate; with `foreign`, the evidence is bound to another key than the certificate's. */
export async function simulatedServer(nonce: p.Hex, foreign = false): Promise<SimulatedServerIdentity> {
  const keys = createKeys().tls;
  const certified = foreign ? createKeys().tls : keys;
  const spki = certified.publicKey.export({ type: "spki", format: "der" });
  const tlsKeyHash = p.toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(spki))));
  const claims = p.encodeClaims({ nonce, keysetId: p.keccakText("a keyset"), tlsKeyHash });
  const quote = await simulatedQuote(p.claimsReportData(claims));
  const evidence = { kind: "simulator", bytes: p.toHex(quote), claims: p.toHex(claims) };
  const dates = { notBefore: SIMULATED_NOW - 60, notAfter: SIMULATED_NOW + 3_600 };
  return {
    cert: issueCertificate({ keys, evidence, ...dates }),
    key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
