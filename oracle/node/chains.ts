import type { Hex } from "../../protocol/bytes.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import type { EnclaveSession } from "../enclaves/enclave-session.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import { ChainRelay } from "../relay/chain-relay.ts";
import type { WriteCollector } from "../relay/ledgers/write-collector.ts";
import type { NodeContext } from "./node-context.ts";

/** The chains that this node serves. There are none until they are opened. */
export class Chains {
  #relays: readonly ChainRelay[] = [];

  get relays(): readonly ChainRelay[] {
    return this.#relays;
  }

  /** Begins to follow each chain of the configuration. */
  open(
    { config, store, engine, log, events, verifier, spans, holder, now }: NodeContext,
    enclaves: EnclaveSet,
    signers: readonly [TransactionSigner, ...TransactionSigner[]],
  ): void {
    this.#relays = config.chains.map(
      (section) =>
        new ChainRelay({
          config: section,
          store,
          engine,
          log: log.with({ chainId: section.chainId }),
          signers,
          enclaves,
          verifier,
          holder,
          leaseMs: config.takeoverSeconds * 1_000,
          now,
          onWork: () => events.emit("work"),
          spans,
          spares: config.operators?.spares,
        }),
    );
    events.on("enclave", () => {
      for (const relay of this.#relays) relay.enclavesChanged();
    });
    events.on("recorded", (chainIds) => {
      for (const relay of this.#relays.filter(({ chainId }) => chainIds.has(chainId))) relay.wake();
    });
    events.on("retried", () => {
      for (const relay of this.#relays) relay.wake();
    });
  }

  of(chainId: number): ChainRelay | undefined {
    return this.#relays.find((relay) => relay.chainId === chainId);
  }

  /** What is signed for a proven ledger. An address alone names none where several chains have one there. */
  writesOf(ledger: Hex, chainId: number | undefined): WriteCollector | undefined {
    const found = this.#relays
      .filter((relay) => chainId === undefined || relay.chainId === chainId)
      .map((relay) => relay.writesOf(ledger))
      .filter((writes) => writes !== undefined);
    return found.length === 1 ? found[0] : undefined;
  }

  isAdmitted(session: EnclaveSession, chainId: number, policyId: Hex): boolean {
    return this.of(chainId)?.isAdmitted(session, policyId) === true;
  }

  /** Whether an enclave can answer requests of any of them now. */
  hasAdmitted(): boolean {
    return this.#relays.some((relay) => relay.hasAdmitted());
  }

  async stop(): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay.stop()));
  }
}
