/** The signers: a key of the keyset signed the answer, and the hardware's report names the keyset. */

import { answerDigest, recoverSigner } from "../../protocol/answer.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { claimsReportData, decodeClaims, type Claims } from "../../protocol/claims.ts";
import { keysetId } from "../../protocol/keyset.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { failure, passed, type ReceiptCheck } from "./step.ts";

export function checkKeyset({ keyset, answer }: Receipt): ReceiptCheck {
  const actual = keysetId(keyset);
  if (actual !== answer.keysetId) {
    throw failure("keyset", {
      message: "the keyset is not the one that the answer names",
      details: { expected: answer.keysetId, actual },
    });
  }
  return passed("keyset", actual);
}

export function checkSignature({ domain, answer, signature, keyset }: Receipt): ReceiptCheck {
  let signer: Hex;
  try {
    signer = recoverSigner(answerDigest(domain, answer), signature);
  } catch (cause) {
    throw failure("signature", {
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "it is not a valid low-s secp256k1 signature",
      cause,
    });
  }
  if (signer !== keyset.answerKey) {
    throw failure("signature", {
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the answer was not signed by the keyset's answer key",
      details: { expected: keyset.answerKey, actual: signer },
    });
  }
  return passed("signature", `by ${signer}, domain ${domain.name}`);
}

/**
 * The evidence was made for this keyset: claims name its id and its TLS key, and the hardware's report data is the
 * claims' hash.
 */
export function checkBinding({ evidence, keyset }: Receipt, reportData: Hex | null): ReceiptCheck {
  const bytes = fromHex(evidence.claims);
  const claims = readClaims(bytes);
  const expected = toHex(claimsReportData(bytes));
  const id = keysetId(keyset);
  if (claims.keysetId !== id || claims.tlsKeyHash !== keyset.tlsKeyHash) {
    throw failure("binding", {
      message: "the claims name another keyset",
      details: { expected: id, actual: claims.keysetId },
    });
  }
  if (reportData !== expected) {
    throw failure("binding", {
      message: "the evidence's report data is not the claims' hash",
      details: { expected, actual: reportData },
    });
  }
  return passed("binding", `report data = sha256(claims); claims name keyset ${id}`);
}

function readClaims(bytes: Uint8Array): Claims {
  try {
    return decodeClaims(bytes);
  } catch (cause) {
    throw failure("binding", {
      code: "EVIDENCE_MALFORMED",
      message: "the claims are not the map of nonce, keyset and pubkey-hash in deterministic CBOR",
      cause,
    });
  }
}
