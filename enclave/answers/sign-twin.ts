import { signCoseReceipt } from "../../protocol/cose-receipt.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { evidenceHash, type Signatory } from "./sign-answer.ts";

/**
 * The COSE twin of a receipt that this enclave made: the same statement, signed a second time. Made when it is asked for,
 * from what was signed already, so that it can say nothing else; the same bytes each time.
 */
export function signTwin(
  { identity, attested }: Pick<Signatory, "identity" | "attested">,
  { domain, answer }: Pick<Receipt, "domain" | "answer">,
): Uint8Array {
  const statement = {
    domain,
    answer,
    keyset: identity.keyset,
    evidenceHash: evidenceHash(attested.evidence),
  };
  return signCoseReceipt(statement, identity.keys.answer.privateKey);
}
