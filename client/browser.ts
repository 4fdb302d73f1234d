/** `adyton/client` in browsers, workers and Deno: calls sealed to the attested key, through a front with a public certificate. */

import type { AttestedClient, AttestedFetchOptions } from "./attested-client.ts";
import { createClient } from "./create-client.ts";
import { sealedChannels } from "./sealed-channel.ts";

export type { AttestedClient, AttestedFetchOptions, AttestedPeer, ReceiptOf } from "./attested-client.ts";

/**
 * A `fetch` for the enclave behind the front at `url`, once the policy has accepted its evidence.
 *
 * Holds on return: method, path, headers and body of every call are read by nobody but the holder of the attested sealing key,
 * and every reply is its own and whole. Left to the caller: that `policy` lists what it should, and that this code is what it
 * believes: a page that the operator serves cannot judge the operator.
 *
 * @throws {EvidenceError} not genuine; {AppraisalError} refused; {EndorsementError} cannot be judged now;
 *   {UpstreamError} ENCLAVE_UNAVAILABLE
 */
export function attestedFetch(url: string | URL, options: AttestedFetchOptions): Promise<AttestedClient> {
  const now = options.now ?? (() => new Date().getTime());
  // Taken now, and called without an owner: a page may replace it later.
  const { fetch } = globalThis;
  const world = { fetch: (...call: Parameters<typeof fetch>) => fetch(...call), now };
  return createClient(url, options, sealedChannels(world));
}
