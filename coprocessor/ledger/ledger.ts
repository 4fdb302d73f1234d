/**
 * A ledger as its logs have it: every entry, every epoch, what each key holds, and the proofs to read it by. Needs no enclave and no
 * operator. Everything that a signer said is computed again.
 */

import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { appendEntry, ledgerKey, NO_ENTRY, type Checkpoint } from "./entry.ts";
import { keccakTreeHash } from "./keccak-tree-hash.ts";
import { decodeLedgerLog, type LedgerEvent, type LedgerLog } from "./ledger-events.ts";
import { RowKind, type Cell, type Row } from "./row.ts";
import { SettledRows, type SettledRow } from "./settled-rows.ts";
import { StateTree, type StatePath } from "./state-tree.ts";

/** An entry, and its place in the chain. */
export interface LedgerEntry {
  readonly position: bigint;
  readonly account: Hex;
  readonly localKey: Hex;
  readonly key: Hex;
  readonly payload: Hex;
  readonly payloadHash: Hex;
  /** The chain's value at this position. */
  readonly entry: Hex;
}

export class Ledger {
  readonly #entries: LedgerEntry[] = [];
  readonly #checkpoints = new Map<bigint, Checkpoint>();
  readonly #rows = new SettledRows();
  readonly #state = StateTree.empty(keccakTreeHash);
  #settled = 0n;

  private constructor() {
    return;
  }

  /**
   * Establishes: entries, epochs and roots follow from each other, from the first log on.
   *
   * @param logs of the ledger's address alone, in the order of the chain, none left out
   * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_BINDING_MISMATCH where something does not follow: logs are missing, or the
   * signers wrote what their rows do not say
   */
  static fromLogs(logs: Iterable<LedgerLog>): Ledger {
    const ledger = new Ledger();
    ledger.follow(logs);
    return ledger;
  }

  /**
   * Goes on with the logs that came since, none left out.
   *
   * @throws {EvidenceError} as `fromLogs`: the ledger is then of no use, and is built anew
   */
  follow(logs: Iterable<LedgerLog>): void {
    for (const log of logs) {
      const event = decodeLedgerLog(log);
      if (event !== undefined) this.#apply(event);
    }
  }

  /** The state tree's root, as the contract has it. */
  get root(): Hex {
    return this.#state.root;
  }

  /** Epochs so far, abandoned ones included: the number of the next. */
  get epochs(): number {
    return this.#rows.epochs;
  }

  /** The last position that is settled or abandoned. */
  get settled(): bigint {
    return this.#settled;
  }

  /** The chain's value at a position; zero before the first. */
  entryAt(position: bigint): Hex {
    return position === 0n ? NO_ENTRY : this.#entryOf(position).entry;
  }

  /** The waiting entries, up to `position` or all. */
  waiting(position: bigint = BigInt(this.#entries.length)): readonly LedgerEntry[] {
    return this.#entries.slice(Number(this.#settled), Number(position));
  }

  /** The last recorded end of the chain that is not settled; null where there is none. */
  lastCheckpoint(): { readonly position: bigint; readonly checkpoint: Checkpoint } | null {
    const [position, checkpoint] = [...this.#checkpoints].at(-1) ?? [];
    if (position === undefined || checkpoint === undefined || position <= this.#settled) return null;
    return { position, checkpoint };
  }

  /** The first checkpoint ahead: what is settled next where much has waited. */
  nextCheckpoint(): { readonly position: bigint; readonly checkpoint: Checkpoint } | null {
    const found = [...this.#checkpoints].find(([position]) => position > this.#settled);
    return found === undefined ? null : { position: found[0], checkpoint: found[1] };
  }

  checkpointAt(position: bigint): Checkpoint | null {
    return this.#checkpoints.get(position) ?? null;
  }

  /** A key's present value; null if it was never written. */
  get(key: Hex): Cell | null {
    return this.#state.get(key);
  }

  /** A key's value when `epoch` had settled, with its proof; by default now. null if it was not written by then. */
  read(key: Hex, epoch?: number): SettledRow | null {
    return this.#rows.read(key, epoch);
  }

  /** @throws {InputError} INPUT_NOT_FOUND */
  row(epoch: number, index: number): SettledRow {
    return this.#rows.row(epoch, index);
  }

  rowsOf(epoch: number): readonly Row[] {
    return this.#rows.rowsOf(epoch);
  }

  /** The way from a key's slot to `root`: what a signer needs to write it. */
  pathOf(key: Hex): StatePath<Hex> {
    return this.#state.path(key);
  }

  #apply(event: LedgerEvent): void {
    switch (event.name) {
      case "Asked":
        this.#ask(event);
        return;
      case "Checkpointed": {
        const { position, entry, blockNumber, recordedAt } = event;
        check(this.entryAt(position) === entry, "a checkpoint has another value than the entries come to", {
          position,
        });
        this.#checkpoints.set(position, { entry, blockNumber, recordedAt });
        return;
      }
      case "EpochSettled":
        this.#settle(event);
        return;
      case "EntriesAbandoned": {
        const { epoch, firstPosition, lastPosition } = event;
        check(epoch === BigInt(this.epochs) && firstPosition === this.#settled + 1n, "an epoch is missing", {
          epoch,
        });
        check(lastPosition <= BigInt(this.#entries.length), "an entry is missing", {
          position: lastPosition,
        });
        this.#rows.addAbandoned();
        this.#settled = lastPosition;
      }
    }
  }

  #ask({ position, account, localKey, payload }: Extract<LedgerEvent, { name: "Asked" }>): void {
    check(position === BigInt(this.#entries.length) + 1n, "an entry is missing", { position });
    const key = ledgerKey(account, localKey);
    const payloadHash = keccak(fromHex(payload));
    const entry = appendEntry(this.entryAt(position - 1n), key, payloadHash);
    this.#entries.push({ position, account, localKey, key, payload, payloadHash, entry });
  }

  #settle(event: Extract<LedgerEvent, { name: "EpochSettled" }>): void {
    const { epoch, firstPosition, oldRoot, newRoot, rowsRoot } = event;
    check(epoch === BigInt(this.epochs) && firstPosition === this.#settled + 1n, "an epoch is missing", {
      epoch,
    });
    check(oldRoot === this.root, "an epoch starts from another state", { epoch });
    const { rows, root } = this.#rows.add(fromHex(event.rows), ({ kind }) => kind === RowKind.signed);
    check(root === rowsRoot, "the rows are not those of the epoch's tree", { epoch });
    for (const [index, row] of rows.entries()) this.#write(row, firstPosition + BigInt(index));
    check(this.root === newRoot, "the signers' root does not follow from their rows", { epoch });
    this.#settled += BigInt(rows.length);
  }

  #write(row: Row, position: bigint): void {
    check(this.#entryOf(position).key === row.key, "a row has another key than its entry", { position });
    const before = this.get(row.key)?.seq ?? 0n;
    if (row.kind !== RowKind.signed) {
      check(row.kind === RowKind.unanswered && row.seq === before, "a row that no snapshot has", {
        position,
      });
      return;
    }
    check(row.seq === before + 1n, "a row skips a seq", { position });
    this.#state.set({ key: row.key, seq: row.seq, value: row.value });
  }

  #entryOf(position: bigint): LedgerEntry {
    const entry = this.#entries[Number(position) - 1];
    check(entry !== undefined, "an entry is missing", { position });
    return entry;
  }
}

function check(
  condition: boolean,
  message: string,
  details: Readonly<Record<string, bigint>>,
): asserts condition {
  if (condition) return;
  throw new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message,
    details: Object.fromEntries(Object.entries(details).map(([name, value]) => [name, value.toString()])),
  });
}
