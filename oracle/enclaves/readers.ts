import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { isSealedPayload, sealedRecipients } from "../../protocol/sealed-payload.ts";

/**
 * Those of `members` that can read `payload`, in their order: all of them, unless it is sealed. One that is sealed, and
 * not well, any enclave can judge: it is signed as an invalid request, and no model is asked.
 */
export function readersAmong<Member extends { readonly keysetId: Hex }>(
  members: readonly Member[],
  payload: Uint8Array,
): readonly Member[] {
  if (!isSealedPayload(payload)) return members;
  try {
    const recipients = new Set(sealedRecipients(payload));
    return members.filter(({ keysetId }) => recipients.has(keysetId));
  } catch (error) {
    if (error instanceof InputError) return members;
    throw error;
  }
}
