import type { PeerDoor } from "../http/peer-route.ts";
import type { PeerKey } from "../peers/message-signature.ts";
import { PeerClient } from "../peers/peer-client.ts";
import { PeerExchange } from "../peers/peer-exchange.ts";
import { ShareDesk } from "../peers/share-desk.ts";
import type { Chains } from "./chains.ts";
import type { NodeContext } from "./node-context.ts";

/** The nodes of other operators: what this one tells them, and takes from them. */
export interface Peers {
  /** Absent where no operators are configured. */
  readonly door: PeerDoor | undefined;
  readonly exchanges: readonly PeerExchange[];
  stop(): Promise<void>;
}

export function createPeers(
  { config, store, log, events, now }: NodeContext,
  parts: { readonly chains: Chains; readonly key: PeerKey | undefined },
): Peers {
  const { operators } = config;
  const { chains, key } = parts;
  if (operators === undefined || key === undefined)
    return { door: undefined, exchanges: [], stop: () => Promise.resolve() };

  const exchanges = operators.peers.map(
    ({ name, url }) =>
      new PeerExchange({
        name,
        client: new PeerClient({ url, key, now }),
        store,
        chains: () => chains.relays.map(({ chainId, followedTime: time }) => ({ chainId, time })),
        log,
        now,
      }),
  );
  events.on("recorded", () => {
    for (const exchange of exchanges) exchange.wake();
  });
  const desk = new ShareDesk({
    store,
    membershipOf: async (chainId, asked, candidate) => chains.of(chainId)?.readMembership(asked, candidate),
    onKept: (chainId) => chains.of(chainId)?.wake(),
    log,
    now,
  });
  return {
    door: {
      peers: new Map(operators.peers.map(({ key: peerKey, name }) => [peerKey, name])),
      take: (peer, shares) => desk.take(peer, shares),
      now,
    },
    exchanges,
    stop: async () => {
      await Promise.all(exchanges.map((exchange) => exchange.stop()));
    },
  };
}
