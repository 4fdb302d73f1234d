/** The node's self-description: its health, and the state behind its metrics. */

import { statfs } from "node:fs/promises";
import type { StoreConfig } from "../store/store-config.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import { type Health, isFollowed, toHealth } from "../http/health.ts";
import type { RuntimeState } from "../http/metrics.ts";
import type { ChainRelay } from "../relay/chain-relay.ts";
import type { StoreProbe } from "../store/store-probe.ts";
import type { Chains } from "./chains.ts";

export function readHealth(chains: Chains, enclaves: EnclaveSet, probe: StoreProbe): Health {
  return toHealth({
    store: probe.health,
    chains: chains.relays.map(({ chainId, head, cursorNumber, isStalled, funds, rpcState, following }) => ({
      chainId,
      ...following,
      stalled: isStalled,
      disputed: rpcState.disputed,
      rpcSetAside: rpcState.aside,
      keysUsable: funds.filter(({ usable }) => usable).length,
      keysLowOnFunds: funds.filter(({ usable }) => !usable).map(({ address }) => address),
      block: cursorNumber ?? null,
      behindBlocks:
        head === undefined || cursorNumber === undefined ? null : head.latest.number - cursorNumber,
    })),
    enclaves: enclaves.sessions.map(({ keysetId, url }) => ({ keysetId, url })),
  });
}

export function chainState({
  chainId,
  funds,
  rpcEndpoints,
  rpcTraffic,
  credits,
  admissionEnd,
}: ChainRelay): RuntimeState["chains"][number] {
  const { healthy, total } = rpcEndpoints;
  const balances = funds.flatMap(({ address, balance }) => (balance === null ? [] : [{ address, balance }]));
  return {
    chainId,
    rpcHealthy: healthy,
    rpcTotal: total,
    balances,
    rpcTraffic,
    credits,
    admissionEnd: admissionEnd ?? null,
  };
}

export function processState(now: () => number): RuntimeState["process"] {
  const { user, system } = process.cpuUsage();
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    startedAt: Math.round(now() / 1_000 - process.uptime()),
  };
}

/** Whether a request could be answered, and its answer sent, now. */
export function isReady(chains: Chains, enclaves: EnclaveSet, probe: StoreProbe): boolean {
  const { store, chains: states } = readHealth(chains, enclaves, probe);
  return store.writable && chains.hasAdmitted() && states.some(isFollowed);
}

/** Bytes on the disk of an embedded store; `null` where the database has its own. */
export async function storeFreeBytes(store: StoreConfig): Promise<number | null> {
  if (store.kind !== "pglite") return null;
  const { bavail, bsize } = await statfs(store.path);
  return bavail * bsize;
}
