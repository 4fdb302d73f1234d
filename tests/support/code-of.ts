/** What a call throws: the code of our taxonomy, or the error's own name when it is a bug. */

import { AdytonError } from "../../protocol/errors.ts";

export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof AdytonError ? String(error.code) : `not ours: ${String(error)}`;
  }
  return "nothing thrown";
}
