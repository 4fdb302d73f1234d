/** `adyton/client` in Node and Bun: TLS pinned to the attested key. */

import type { AttestedClient, AttestedFetchOptions } from "./attested-client.ts";
import { createClient } from "./create-client.ts";
import { openPinnedChannel } from "./pinned-channel.ts";

export type { AttestedClient, AttestedFetchOptions, AttestedPeer, ReceiptOf } from "./attested-client.ts";

/**
 * A `fetch` for the enclave at `url`, once the policy has accepted its evidence.
 *
 * Holds on return: no byte that is given to `fetch` reaches anybody but the holder of the attested key; when the key
 * changes, the new one's evidence is judged first. Left to the caller: that `policy` lists what it should.
 *
 * @throws {EvidenceError} not genuine; {AppraisalError} refused; {EndorsementError} cannot be judged now;
 *   {UpstreamError} ENCLAVE_UNAVAILABLE
 */
export function attestedFetch(url: string | URL, options: AttestedFetchOptions): Promise<AttestedClient> {
  return createClient(url, options, openPinnedChannel);
}
