/**
 * Collects what this node's enclaves sign for a proven ledger, for anybody to prove. A request says which row its answer is for by a hash
 * alone (ADR 80): whoever asked names ledger, local key and seq, and the hash says whether that is true. Nothing is stored: names are
 * given again after a restart, and enclaves sign again what they signed.
 */

import * as z from "zod";
import type { TransitionsFile } from "../../../coprocessor/epochs/epoch-file.ts";
import { provenWritesOf } from "../../../coprocessor/epochs/proven-state.ts";
import { transitionContext, type ProvenLedgerName } from "../../../coprocessor/epochs/transition.ts";
import { TransitionCall, type TransitionReply } from "../../../coprocessor/epochs/transition-call.ts";
import { MAX_EPOCH_ROWS } from "../../../coprocessor/epochs/witness-call.ts";
import { ledgerKey } from "../../../coprocessor/ledger/entry.ts";
import { poseidonTreeHash } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";
import type { Cell } from "../../../coprocessor/ledger/row.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError, InputError } from "../../../protocol/errors.ts";
import { bytes32, uint64 } from "../../../protocol/fields.ts";
import type { ChainContext } from "../../chain-context.ts";
import { readHead } from "../../chain/chain-reader.ts";
import { readRuleId } from "../../chain/contracts/proven-ledger.ts";
import { readLedgerLogs } from "../../chain/contracts/snapshot-ledger.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import { readAnsweredWrite, type AnsweredWrite } from "../../store/ledger-writes.ts";

/** Body of `POST /v1/ledgers/{ledger}/writes`. */
export const NamedWrite = z.strictObject({
  requestId: bytes32,
  localKey: bytes32,
  seq: uint64.refine((seq) => seq > 0n, { error: "the first write of a key has seq 1" }),
});
export type NamedWrite = z.output<typeof NamedWrite>;

export interface WriteCollectorOptions extends Pick<ChainContext, "chainId" | "rpc" | "store" | "log"> {
  readonly ledger: Hex;
  readonly fromBlock: number;
  /** Blocks in one `eth_getLogs`. */
  readonly maxRange: number;
  /** Blocks that a reorg may take back: epochs in them are read again each time. */
  readonly confirmations: number;
  readonly sessions: () => readonly EnclaveSession[];
}

/** Writes that are known and not settled; about 300 bytes each. */
const MAX_WRITES = 4_096;
/** As many enclaves as an epoch lists. */
const MAX_SIGNERS = 8;

interface Write extends NamedWrite {
  readonly key: Hex;
}

export class WriteCollector {
  readonly #options: WriteCollectorOptions;
  readonly #writes = new Map<Hex, Write>();
  /** By enclave and request, and what the key held: a promise of that enclave's. */
  readonly #replies = new Map<string, TransitionReply>();
  /** What keys hold by blocks that stay. */
  readonly #kept = new Map<Hex, Cell>();
  #readTo: number;
  #name: ProvenLedgerName | undefined;
  #collecting: Promise<TransitionsFile> | undefined;

  constructor(options: WriteCollectorOptions) {
    this.#options = options;
    this.#readTo = options.fromBlock - 1;
  }

  /**
   * Says which row a request's answer is for.
   *
   * @throws {InputError} INPUT_NOT_FOUND for a request that this node does not know; INPUT_INVALID where it named another row;
   * INPUT_RATE_LIMITED while too many wait
   */
  async name(write: NamedWrite): Promise<void> {
    const { store, chainId, ledger } = this.#options;
    const found = await readAnsweredWrite(store, chainId, write.requestId);
    if (found === undefined)
      throw new InputError({ code: "INPUT_NOT_FOUND", message: "no such request is known to this node" });
    const { localKey, seq } = write;
    if (found.request.context !== transitionContext({ ledger, localKey, seq }))
      throw new InputError({ code: "INPUT_INVALID", message: "it was asked for another row, or for none" });
    if (this.#writes.size >= MAX_WRITES && !this.#writes.has(write.requestId))
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many writes wait: try again" });
    this.#writes.set(write.requestId, { ...write, key: ledgerKey(found.request.consumer, localKey) });
  }

  /**
   * What was signed and is not settled by the newest block, in the order in which it follows from each other. Of a key whose write has no
   * signature yet, nothing after it.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE
   */
  async transitions(): Promise<TransitionsFile> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return await this.#collecting;
  }

  async #collect(): Promise<TransitionsFile> {
    const { rpc, chainId, ledger } = this.#options;
    this.#name ??= { chainId: BigInt(chainId), ledger, ruleId: await readRuleId(rpc, ledger) };
    const cells = await this.#readCells();
    const file = { signers: new Map<string, TransitionReply["signer"]>(), transitions: [] as Signed[] };
    for (const write of this.#inOrder(cells)) {
      if (file.transitions.length === MAX_EPOCH_ROWS) break;
      const held = cells.get(write.key);
      if (write.seq !== (held?.seq ?? 0n) + 1n) continue;
      const replies = await this.#sign(write, held);
      const signed = agreed(replies);
      if (signed === undefined) continue;
      for (const { signer } of replies)
        if (file.signers.size < MAX_SIGNERS) file.signers.set(signer.keysetId, signer);
      file.transitions.push(signed);
      cells.set(write.key, { key: write.key, seq: write.seq, value: signed.value });
    }
    return { signers: [...file.signers.values()], transitions: file.transitions };
  }

  /** Drops what is settled for good. */
  #inOrder(cells: ReadonlyMap<Hex, Cell>): readonly Write[] {
    for (const [requestId, { key, seq }] of this.#writes)
      if (seq <= (this.#kept.get(key)?.seq ?? 0n)) this.#writes.delete(requestId);
    const open = [...this.#writes.values()].filter(({ key, seq }) => seq > (cells.get(key)?.seq ?? 0n));
    return open.toSorted((one, other) => Number(one.seq - other.seq));
  }

  async #readCells(): Promise<Map<Hex, Cell>> {
    const { rpc, confirmations } = this.#options;
    const { number: latest } = await rpc.use(readHead);
    const settled = latest - confirmations;
    await this.#readInto(this.#kept, this.#readTo + 1, settled);
    this.#readTo = Math.max(this.#readTo, settled);
    const cells = new Map(this.#kept);
    await this.#readInto(cells, this.#readTo + 1, latest);
    return cells;
  }

  async #readInto(cells: Map<Hex, Cell>, from: number, to: number): Promise<void> {
    const { rpc, ledger, maxRange } = this.#options;
    for (let start = from; start <= to; start += maxRange) {
      const range = { from: start, to: Math.min(to, start + maxRange - 1) };
      for (const log of await readLedgerLogs(rpc, ledger, range))
        for (const { key, seq, value } of provenWritesOf(log)) cells.set(key, { key, seq, value });
    }
  }

  /** By each enclave of this node that answered and is here. */
  async #sign(write: Write, held: Cell | undefined): Promise<readonly TransitionReply[]> {
    const { store, chainId, sessions } = this.#options;
    const found = await readAnsweredWrite(store, chainId, write.requestId);
    if (found?.isDisclosed !== true) return [];
    const answering = sessions().filter(({ keysetId }) => found.keysetIds.includes(keysetId));
    const replies = await Promise.all(
      answering.map((session) => this.#signBy(session, { write, request: found.request, held })),
    );
    return replies.filter((reply) => reply !== undefined);
  }

  async #signBy(
    { keysetId, client }: EnclaveSession,
    {
      write,
      request,
      held,
    }: Pick<AnsweredWrite, "request"> & { readonly write: Write; readonly held: Cell | undefined },
  ): Promise<TransitionReply | undefined> {
    const oldLeaf = held === undefined ? 0n : poseidonTreeHash.leaf(held);
    const name = `${keysetId} ${write.requestId} ${oldLeaf}`;
    const known = this.#replies.get(name);
    if (known !== undefined || this.#name === undefined) return known;
    const { localKey, seq } = write;
    const call: TransitionCall = { ledger: this.#name, request, localKey, seq, oldLeaf };
    try {
      const reply = await client.signTransition(JSON.stringify(z.encode(TransitionCall, call)));
      if (this.#replies.size >= MAX_SIGNERS * MAX_WRITES) this.#replies.clear();
      this.#replies.set(name, reply);
      return reply;
    } catch (error) {
      // Its answer is forgotten, or it signed another one for this row: others may have signed.
      if (!(error instanceof AdytonError)) throw error;
      this.#options.log.warn("ledger.write-not-signed", { requestId: write.requestId, keysetId, error });
      return undefined;
    }
  }
}

type Signed = TransitionReply["transition"];

/** Signatures of one value are of one row: of several values the one that most enclaves have. */
function agreed(replies: readonly TransitionReply[]): Signed | undefined {
  const byValue = [...Map.groupBy(replies, ({ transition }) => transition.value).values()];
  const [most] = byValue.toSorted((one, other) => other.length - one.length);
  const first = most?.[0]?.transition;
  if (most === undefined || first === undefined) return undefined;
  return { ...first, signatures: most.flatMap(({ transition }) => transition.signatures) };
}
