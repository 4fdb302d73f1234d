/** What nodes of different operators tell each other of a request that wants several answers. */

import * as z from "zod";
import { Answer } from "../../protocol/answer.ts";
import { bytes32, bytesHex, signature65 } from "../../protocol/fields.ts";
import { Keyset } from "../../protocol/keyset.ts";

export const SHARES_PATH = "/v1/peers/shares";

/** In one message. */
export const MAX_SHARES = 64;
/** Of one message: an output has 98,304 bytes at most, twice that in hex. */
export const MAX_SHARES_BYTES = 1_048_576;

const Opening = z.strictObject({
  answer: Answer,
  output: bytesHex,
  stateBlockNumber: z.int().min(0),
});

/** A member's leaf, which hides its answer; and the answer, once no leaf can be added any more that would follow from it. */
export const PeerShare = z.strictObject({
  chainId: z.int().min(1),
  requestId: bytes32,
  keyset: Keyset,
  leaf: bytes32,
  leafSignature: signature65,
  opening: Opening.nullable(),
});
export type PeerShare = z.output<typeof PeerShare>;

export const PeerShares = z.strictObject({ shares: z.array(PeerShare).min(1).max(MAX_SHARES) });

/**
 * What became of each, in the same order. `later`: the receiver does not know the request, or who is admitted, yet.
 * `refused`: sending it again would change nothing.
 */
export const ShareResult = z.enum(["kept", "later", "refused"]);
export type ShareResult = z.output<typeof ShareResult>;
export const PeerReply = z.strictObject({ results: z.array(ShareResult).max(MAX_SHARES) });
