/**
 * A policy has two seats for the keysets of one machine, and a third admission takes the one that would end first
 * (contracts/src/interfaces/IEnclaveRegistry.sol). A node must not take it from an enclave of its own that lives.
 */

import type { Hex } from "../../../protocol/bytes.ts";
import type { AdmittedKeyset } from "../../store/admissions.ts";

const SEATS = 2;

export type SeatFinding =
  /** Nobody's that lives is taken. */
  | { readonly kind: "free" }
  /** The keyset that would lose its seat lives, and the other one does not: renewed, it outlasts it. */
  | { readonly kind: "renew-first"; readonly keysetId: Hex }
  /** Both seats are held by enclaves of this node that live. */
  | { readonly kind: "full" };

/**
 * @param admitted keysets under the policy, as the chain's events tell
 * @param living keysets of this node's enclaves that are connected
 */
export function findSeat(
  newcomer: { readonly keysetId: Hex; readonly platform: Hex },
  admitted: readonly AdmittedKeyset[],
  living: ReadonlySet<Hex>,
): SeatFinding {
  const seated = admitted.filter(({ platform }) => platform === newcomer.platform);
  if (seated.length < SEATS || seated.some(({ keysetId }) => keysetId === newcomer.keysetId))
    return { kind: "free" };
  const [next, ...others] = [...seated].sort((a, b) => a.expiresAt - b.expiresAt);
  if (next === undefined || !living.has(next.keysetId)) return { kind: "free" };
  return others.every(({ keysetId }) => living.has(keysetId))
    ? { kind: "full" }
    : { kind: "renew-first", keysetId: next.keysetId };
}
