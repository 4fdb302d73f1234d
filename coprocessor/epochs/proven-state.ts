/**
 * A proven ledger as its logs have it: what each key holds, and what waits in the inbox. Needs no enclave, no operator and no proof:
 * every root is computed again. Anybody proves the next epoch with it.
 */

import * as AbiEvent from "ox/AbiEvent";
import * as z from "zod";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { address, bytes32, bytesHex } from "../../protocol/fields.ts";
import { ledgerKey } from "../ledger/entry.ts";
import type { LedgerLog } from "../ledger/ledger-events.ts";
import { poseidonTreeHash } from "../ledger/poseidon-tree-hash.ts";
import { parseRows, RowKind, type Cell, type Row } from "../ledger/row.ts";
import { SettledRows } from "../ledger/settled-rows.ts";
import { StateTree } from "../ledger/state-tree.ts";

const QUEUED = AbiEvent.from(
  "event RowQueued(uint64 indexed position, address indexed account, bytes32 localKey, bytes32 value)",
);
const PROVEN = AbiEvent.from(
  "event EpochProven(uint256 indexed epoch, uint256 oldRoot, uint256 newRoot, bytes32 rowsRoot, bytes rows)",
);
const Queued = z.object({
  position: z.bigint(),
  account: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(address),
  localKey: bytes32,
  value: bytes32,
});
const Proven = z.object({
  epoch: z.bigint(),
  oldRoot: z.bigint(),
  newRoot: z.bigint(),
  rowsRoot: bytes32,
  rows: bytesHex,
});

export interface QueuedRow {
  readonly key: Hex;
  readonly value: Hex;
}

export interface ProvenState {
  /** Changed by who builds an epoch on it. */
  readonly tree: StateTree<bigint>;
  /** Epochs so far: the number of the next. */
  readonly epochs: bigint;
  /** Of every epoch, with the proofs that `check` and `claim` take. */
  readonly rows: SettledRows;
  /** Queued and not settled, in their order. */
  readonly inbox: readonly QueuedRow[];
}

/**
 * Establishes: rows and roots follow from each other, from the first epoch on.
 *
 * @param logs of the ledger's address alone, in the order of the chain, none left out
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_BINDING_MISMATCH where something does not follow
 */
export function provenStateFrom(logs: Iterable<LedgerLog>): ProvenState {
  const tree = StateTree.empty(poseidonTreeHash);
  const inbox: QueuedRow[] = [];
  const rows = new SettledRows();
  let epochs = 0n;
  for (const { topics, data } of logs) {
    if (topics[0] === AbiEvent.getSelector(QUEUED)) {
      const { account, localKey, value } = decode(Queued, QUEUED, { topics, data });
      inbox.push({ key: ledgerKey(account, localKey), value });
    } else if (topics[0] === AbiEvent.getSelector(PROVEN)) {
      const { epoch, oldRoot, newRoot, rowsRoot, ...proven } = decode(Proven, PROVEN, { topics, data });
      check(epoch === epochs && oldRoot === tree.root, "an epoch is missing", epoch);
      const added = rows.add(fromHex(proven.rows), isWrite);
      check(added.root === rowsRoot, "the rows are not those of the epoch's tree", epoch);
      for (const row of added.rows) apply(tree, inbox, { row, epoch });
      check(tree.root === newRoot, "the root does not follow from the rows", epoch);
      epochs += 1n;
    }
  }
  return { tree, epochs, inbox, rows };
}

/**
 * The state after an epoch that is proven and not on the chain. Its tree is changed in place.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH for an epoch that does not follow
 */
export function afterProvenEpoch(
  { tree, epochs, inbox, rows }: ProvenState,
  next: { readonly rows: readonly Row[]; readonly oldRoot: bigint; readonly newRoot: bigint },
): ProvenState {
  check(next.oldRoot === tree.root, "the epoch is of another state", epochs);
  const left = [...inbox];
  for (const row of next.rows) apply(tree, left, { row, epoch: epochs });
  check(tree.root === next.newRoot, "the root does not follow from the rows", epochs);
  return { tree, epochs: epochs + 1n, inbox: left, rows };
}

/**
 * What an epoch wrote, where nobody needs the tree; nothing of other logs. The contract has checked it.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; {InputError} as `parseRows`
 */
export function provenWritesOf(log: LedgerLog): readonly Cell[] {
  if (log.topics[0] !== AbiEvent.getSelector(PROVEN)) return [];
  return parseRows(fromHex(decode(Proven, PROVEN, log).rows)).filter(isWrite);
}

/** A queued row whose slot is another key's has seq 0, and writes nothing. */
const isWrite = ({ kind, seq }: Row): boolean => kind !== RowKind.read && seq > 0n;

function apply(
  tree: StateTree<bigint>,
  inbox: QueuedRow[],
  { row, epoch }: { readonly row: Row; readonly epoch: bigint },
): void {
  const { kind, key, seq, value } = row;
  if (kind === RowKind.inbox) {
    const queued = inbox.shift();
    check(queued?.key === key && queued.value === value, "a row was never queued", epoch);
    // Another key has the slot: nothing was written.
    if (seq === 0n) return;
  } else if (kind === RowKind.read) {
    return;
  }
  tree.set({ key, seq, value });
}

function decode<T>(
  schema: z.ZodType<T>,
  event: typeof QUEUED | typeof PROVEN,
  log: { readonly topics: readonly Hex[]; readonly data: Hex },
): T {
  try {
    return schema.parse(AbiEvent.decode(event as AbiEvent.AbiEvent, log));
  } catch (cause) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: `a log of the ledger has another form than ${event.name} says`,
      cause,
    });
  }
}

function check(condition: boolean, message: string, epoch: bigint): asserts condition {
  if (condition) return;
  throw new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message,
    details: { epoch: epoch.toString() },
  });
}
