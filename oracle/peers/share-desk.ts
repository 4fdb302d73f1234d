import { answerStructHash } from "../../protocol/answer.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { onChainDomain } from "../../protocol/domain.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { keysetId as keysetIdOf } from "../../protocol/keyset.ts";
import { quorumLeafDigest } from "../../protocol/quorum-leaf.ts";
import { Request } from "../../protocol/request.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { AskedUnder, Candidate, Membership } from "../chain/contracts/membership.ts";
import { isSignedBy } from "../chain/signing/secp256k1.ts";
import type { Logger } from "../log.ts";
import { readBlockHash } from "../store/blocks.ts";
import { keepPeerLeaf, type PeerLeaf } from "../store/peer-leaves.ts";
import type { Store } from "../store/store.ts";
import type { PeerShare, ShareResult } from "./peer-share.ts";

export interface ShareDeskOptions {
  readonly store: Store;
  /**
   * What the registry says of a member; `undefined` when it would refuse its answer.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE
   */
  readonly membershipOf: (
    chainId: number,
    asked: AskedUnder,
    candidate: Candidate,
  ) => Promise<Membership | undefined>;
  readonly onKept: (chainId: number) => void;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

interface KnownRequest {
  readonly request: Request;
  readonly isSettled: boolean;
  readonly blockNumber: number;
  readonly blockHash: string;
}

/**
 * Takes what peers tell. Nothing of it is believed because a peer says it: a leaf is signed by a key that the registry admits to this
 * request, and an answer is the one that its leaf hides, bound to a block of the chain that this node follows.
 */
export class ShareDesk {
  readonly #options: ShareDeskOptions;

  constructor(options: ShareDeskOptions) {
    this.#options = options;
  }

  async take(peer: string, shares: readonly PeerShare[]): Promise<ShareResult[]> {
    const { log, onKept } = this.#options;
    const results: ShareResult[] = [];
    const kept = new Set<number>();
    for (const share of shares) {
      const { chainId, requestId } = share;
      try {
        const result = await this.#takeOne(share);
        if (result === "kept") kept.add(chainId);
        if (result === "refused") log.warn("peer.share-refused", { peer, chainId, requestId });
        results.push(result);
      } catch (error) {
        if (!(error instanceof AdytonError)) throw error;
        log.info("peer.share-postponed", { peer, chainId, requestId, error });
        results.push("later");
      }
    }
    for (const chainId of kept) onKept(chainId);
    return results;
  }

  async #takeOne(share: PeerShare): Promise<ShareResult> {
    const { store, membershipOf, now } = this.#options;
    const { chainId, requestId, keyset, leaf, leafSignature } = share;
    const known = await this.#find(chainId, requestId);
    if (known === undefined) return "later";
    if (known.isSettled) return "kept";
    const { request } = known;
    const keysetId = keysetIdOf(keyset);
    const domain = onChainDomain(request.chainId, request.coordinator);
    const digest = quorumLeafDigest(domain, { requestId, leaf, keysetId });
    if (request.threshold === 1 || !isSignedBy(keyset.answerKey, digest, leafSignature)) return "refused";
    const opening = await this.#judgeOpening(share, known, keysetId);
    if (opening === "refused" || opening === "later") return opening;
    const membership = await membershipOf(chainId, request, { keysetId, signer: keyset.answerKey });
    if (membership === undefined) return "refused";
    const { platform, vendor } = membership;
    const isKept = await keepPeerLeaf(store, {
      ...{ chainId, requestId, keysetId, signer: keyset.answerKey, platform, vendor },
      ...{ leaf, leafSignature, opening, receivedAt: now() },
    });
    return isKept ? "kept" : "refused";
  }

  async #find(chainId: number, requestId: Hex): Promise<KnownRequest | undefined> {
    const row = await this.#options.store.db
      .selectFrom("requests")
      .select(["request", "phase", "block_number", "block_hash"])
      .where("chain_id", "=", chainId)
      .where("request_id", "=", requestId)
      .executeTakeFirst();
    return row === undefined
      ? undefined
      : {
          request: Request.parse(JSON.parse(row.request)),
          isSettled: row.phase === "settled",
          blockNumber: row.block_number,
          blockHash: row.block_hash,
        };
  }

  /** One opening that the contract refuses would take the others' transaction with it. */
  async #judgeOpening(
    { chainId, requestId, leaf, opening }: PeerShare,
    { request, blockNumber, blockHash }: KnownRequest,
    keysetId: Hex,
  ): Promise<PeerLeaf["opening"] | "refused" | "later"> {
    if (opening === null) return null;
    const { answer, output, stateBlockNumber } = opening;
    const bytes = fromHex(output);
    if (
      answerStructHash(answer) !== leaf ||
      answer.requestId !== requestId ||
      answer.keysetId !== keysetId ||
      answer.outputHash !== keccak(bytes) ||
      bytes.length > request.maxOutputBytes ||
      stateBlockNumber < blockNumber
    )
      return "refused";

    const hash =
      stateBlockNumber === blockNumber
        ? blockHash
        : await readBlockHash(this.#options.store, chainId, stateBlockNumber);
    if (hash === undefined) return "later";
    return hash === answer.stateBlockHash ? opening : "refused";
  }
}
