/**
 * Whose turn it is to answer a request (docs/adr/0017-assignment.md). Advisory: the chain takes a good answer from any
 * admitted enclave. Every node computes the same order from what the chain says, so in the ordinary case one of them asks
 * the model, and the others stand by.
 */

import type { Hex } from "../../../protocol/bytes.ts";
import { rendezvousOrder } from "../../enclaves/rendezvous.ts";
import type { AdmittedKeyset } from "../../store/admissions.ts";

type Keyset = Pick<AdmittedKeyset, "keysetId" | "platform" | "since">;

/** The platforms that may answer a request, first to last. */
export interface Assignment {
  readonly order: readonly Hex[];
  /** The platform of each keyset that may answer. */
  readonly platformOf: ReadonlyMap<Hex, Hex>;
}

/**
 * Rendezvous order over platforms, not keysets: a machine gains no weight by making keys. Those admitted by the request's
 * block come first, since every node knows them; those admitted later follow, so that a restarted enclave still helps.
 */
export function assign(requestId: Hex, blockNumber: number, keysets: readonly Keyset[]): Assignment {
  const early = distinct(keysets.filter(({ since }) => since <= blockNumber));
  const late = distinct(keysets).filter((platform) => !early.includes(platform));
  const inOrder = (platforms: readonly Hex[]): Hex[] =>
    rendezvousOrder(requestId, platforms, (platform) => platform);
  return {
    order: [...inOrder(early), ...inOrder(late)],
    platformOf: new Map(keysets.map(({ keysetId, platform }) => [keysetId, platform])),
  };
}

/**
 * The place of a node that runs `keysets`: 0 asks at once. A node whose enclaves are all unknown to the chain's events
 * comes after everybody; with nobody admitted, everybody is first.
 */
export function placeOf({ order, platformOf }: Assignment, keysets: Iterable<Hex>): number {
  const own = new Set(Array.from(keysets, (keysetId) => platformOf.get(keysetId)));
  const place = order.findIndex((platform) => own.has(platform));
  return place === -1 ? order.length : place;
}

export interface Turn {
  /** Milliseconds: when the first in the order may ask. */
  readonly from: number;
  /** Milliseconds: when it is too late to ask. */
  readonly until: number;
  /** Milliseconds that each place has before the next one may ask. */
  readonly window: number;
}

/**
 * Milliseconds: when the node at `place` may ask. Windows shrink where that is near, so that the last in the order still
 * has a window's time to ask.
 */
export function turnAt({ order }: Assignment, place: number, { from, until, window }: Turn): number {
  const longest = Math.max(0, until - from) / (order.length + 1);
  return from + place * Math.min(window, longest);
}

/** `sessions` in the order in which their platforms are to serve; those that the events do not know yet come last. */
export function inServingOrder<Session extends { readonly keysetId: Hex }>(
  { order, platformOf }: Assignment,
  requestId: Hex,
  sessions: readonly Session[],
): Session[] {
  const rank = (session: Session): number => {
    const at = order.indexOf(platformOf.get(session.keysetId) ?? "0x");
    return at === -1 ? order.length : at;
  };
  // Several enclaves of one platform share its work.
  return rendezvousOrder(requestId, sessions, ({ keysetId }) => keysetId).sort((a, b) => rank(a) - rank(b));
}

function distinct(keysets: readonly Keyset[]): Hex[] {
  return [...new Set(keysets.map(({ platform }) => platform))];
}
