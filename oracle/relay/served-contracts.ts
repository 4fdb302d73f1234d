/** What a node serves on a chain, as the chain has it: policies, ledgers, and agents' accounts. Read for whoever asks, and kept for a while. */

import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { readGrant, readGrantState } from "../chain/contracts/agent-account.ts";
import { readPolicy, type ShownPolicy } from "../chain/contracts/policy.ts";
import { readRuleId } from "../chain/contracts/proven-ledger.ts";
import { readLedgerProgress, readLedgerTerms } from "../chain/contracts/snapshot-ledger.ts";
import type { RpcPool } from "../chain/rpc/rpc-pool.ts";
import type { ChainSection } from "../config.ts";

/** A contract that could not be read has an error's code in place of what it says. */
type Read<Content> = Content | { readonly fault: string };

export interface ServedContracts {
  readonly chainId: number;
  readonly coordinator: Hex;
  readonly registry: Hex;
  readonly policies: readonly ({ readonly policyId: Hex } & Read<Omit<ShownPolicy, "policyId">>)[];
  readonly ledgers: readonly ({
    readonly address: Hex;
    readonly kind: "snapshot" | "proven";
  } & Read<object>)[];
  readonly agents: readonly ({ readonly account: Hex; readonly grantId: Hex } & Read<object>)[];
}

export interface ServedBookOptions {
  readonly config: Pick<
    ChainSection,
    | "chainId"
    | "coordinator"
    | "registry"
    | "admissions"
    | "ledgers"
    | "provenLedgers"
    | "agents"
    | "fromBlock"
  >;
  readonly rpc: RpcPool;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Each reading is some calls for each contract: strangers' looks must not multiply them. */
const KEPT_MS = 30_000;

export class ServedBook {
  readonly #options: ServedBookOptions;
  #kept: Promise<ServedContracts> | undefined;
  #readAt = 0;

  constructor(options: ServedBookOptions) {
    this.#options = options;
  }

  read(): Promise<ServedContracts> {
    const { now } = this.#options;
    if (this.#kept === undefined || now() - this.#readAt >= KEPT_MS) {
      this.#readAt = now();
      this.#kept = this.#readAll();
    }
    return this.#kept;
  }

  async #readAll(): Promise<ServedContracts> {
    const { config, rpc } = this.#options;
    const { chainId, coordinator, registry, fromBlock } = config;
    const policyIds = [...new Set(config.admissions.map(({ policyId }) => policyId))];
    const [policies, snapshots, proven, agents] = await Promise.all([
      readEach(
        policyIds,
        (policyId) => ({ policyId }),
        (policyId) => readPolicy(rpc, { registry, policyId, fromBlock }),
      ),
      readEach(
        config.ledgers,
        ({ address }) => ({ address, kind: "snapshot" as const }),
        async ({ address }) => {
          const [terms, progress] = await Promise.all([
            readLedgerTerms(rpc, address),
            readLedgerProgress(rpc, address),
          ]);
          return {
            policyId: terms.policyId,
            threshold: terms.threshold,
            price: terms.price.toString(),
            entries: progress.position.toString(),
            epochs: progress.epochs,
          };
        },
      ),
      readEach(
        config.provenLedgers,
        ({ address }) => ({ address, kind: "proven" as const }),
        async ({ address }) => ({ ruleId: await readRuleId(rpc, address) }),
      ),
      readEach(
        config.agents,
        ({ account, grantId }) => ({ account, grantId }),
        async ({ account, grantId }) => {
          const call = rpc.call.bind(rpc);
          const { grant } = await readGrant(call, account, grantId, 0);
          const state = await readGrantState(call, account, grantId);
          return {
            programHash: grant.programHash,
            policyId: grant.policyId,
            slotSeconds: Number(grant.slotSeconds),
            fee: grant.fee.toString(),
            nextNonce: state.nextNonce.toString(),
            activeFrom: Number(state.activeFrom),
            isRevoked: state.isRevoked,
          };
        },
      ),
    ]);
    return { chainId, coordinator, registry, policies, ledgers: [...snapshots, ...proven], agents };
  }
}

/** One that fails takes no other with it. */
async function readEach<Item, Named extends object, Content extends object>(
  items: readonly Item[],
  nameOf: (item: Item) => Named,
  read: (item: Item) => Promise<Content>,
): Promise<readonly (Named & Read<Content>)[]> {
  return await Promise.all(
    items.map(async (item) => {
      try {
        return { ...nameOf(item), ...(await read(item)) };
      } catch (error) {
        if (!(error instanceof AdytonError)) throw error;
        return { ...nameOf(item), fault: String(error.code) };
      }
    }),
  );
}
