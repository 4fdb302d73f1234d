/** What an asynchronous call rejects with: the code of our taxonomy, or the error's own name when it is a bug. */

import { AdytonError } from "../../protocol/errors.ts";

export async function rejectionOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof AdytonError ? String(error.code) : `not ours: ${String(error)}`;
  }
  return "nothing thrown";
}
