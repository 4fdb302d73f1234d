import { concatBytes, fromHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";

/**
 * Members in the order in which they are to serve `requestId`: highest-random-weight hashing (Thaler and Ravishankar,
 * 1998), weight = keccak(requestId ‖ member). Everybody who knows the members computes the same order, and a member that
 * leaves moves only its own work.
 */
export function rendezvousOrder<Member>(
  requestId: Hex,
  members: readonly Member[],
  identity: (member: Member) => Hex,
): Member[] {
  const id = fromHex(requestId, 32);
  return members
    .map((member) => ({ member, weight: keccak(concatBytes(id, fromHex(identity(member)))) }))
    .sort((a, b) => (a.weight < b.weight ? 1 : a.weight > b.weight ? -1 : 0))
    .map(({ member }) => member);
}
