/** The enclave's identity: its keys, the keyset that names them, and evidence that the two belong to this machine. */

import { toHex, type Hex } from "../../protocol/bytes.ts";
import { claimsReportData, encodeClaims } from "../../protocol/claims.ts";
import { keysetId, type Keyset } from "../../protocol/keyset.ts";
import type { BoundEvidence, EndorsementsJson } from "../../protocol/receipt.ts";
import { keccakText } from "../../protocol/struct-hash.ts";
import type { Attester } from "../attesters/attester.ts";
import type { Configuration } from "../configuration/read-configuration.ts";
import { createKeys, type EnclaveKeys } from "./keys.ts";

export interface Identity {
  readonly keys: EnclaveKeys;
  readonly keyset: Keyset;
  readonly keysetId: Hex;
}

export function createIdentity(configuration: Configuration, softwareVersion: string): Identity {
  const keys = createKeys();
  const keyset: Keyset = {
    answerKey: keys.answer.address,
    tlsKeyHash: keys.tls.spkiSha256,
    sealingKey: toHex(keys.sealing.publicKey),
    logKey: toHex(keys.log.publicKey),
    behaviourDigest: configuration.behaviourDigest,
    operatorDigest: configuration.operatorDigest,
    softwareVersionHash: keccakText(softwareVersion),
    payee: configuration.operator.public.payee,
  };
  return { keys, keyset, keysetId: keysetId(keyset) };
}

export interface AttestedIdentity {
  readonly evidence: BoundEvidence;
  readonly endorsements: EndorsementsJson | null;
}

/** Evidence whose report data commits to this identity and to `nonce` (docs/reference/protocol.md, Claims). */
export async function attestIdentity(
  { keyset, keysetId: id }: Identity,
  attester: Attester,
  nonce: Hex,
): Promise<AttestedIdentity> {
  const claims = encodeClaims({ nonce, keysetId: id, tlsKeyHash: keyset.tlsKeyHash });
  const { kind, bytes, endorsements } = await attester.attest(claimsReportData(claims));
  return { evidence: { kind, bytes: toHex(bytes), claims: toHex(claims) }, endorsements };
}
