/** A ledger's logs (contracts/src/ledger/ISnapshotLedger.sol) as events. */

import * as AbiEvent from "ox/AbiEvent";
import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { address, bytes32, bytesHex } from "../../protocol/fields.ts";

/** A log as any node tells it, of one ledger's address, in the order of the chain. */
export interface LedgerLog {
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

const word64 = z.bigint();
/** The decoder writes addresses with their checksum. */
const anyCaseAddress = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(address);
const SCHEMAS = {
  Asked: z.object({ position: word64, account: anyCaseAddress, localKey: bytes32, payload: bytesHex }),
  Checkpointed: z.object({
    position: word64,
    entry: bytes32,
    blockNumber: word64,
    recordedAt: z.number().transform(BigInt),
  }),
  EpochSettled: z.object({
    epoch: z.bigint(),
    firstPosition: word64,
    oldRoot: bytes32,
    newRoot: bytes32,
    rowsRoot: bytes32,
    rows: bytesHex,
  }),
  EntriesAbandoned: z.object({ epoch: z.bigint(), firstPosition: word64, lastPosition: word64 }),
} as const;
type Name = keyof typeof SCHEMAS;

export type LedgerEvent = {
  readonly [N in Name]: { readonly name: N } & z.output<(typeof SCHEMAS)[N]>;
}[Name];

const EVENTS = {
  Asked: AbiEvent.from(
    "event Asked(uint64 indexed position, address indexed account, bytes32 localKey, bytes payload)",
  ),
  Checkpointed: AbiEvent.from(
    "event Checkpointed(uint64 indexed position, bytes32 entry, uint64 blockNumber, uint40 recordedAt)",
  ),
  EpochSettled: AbiEvent.from(
    "event EpochSettled(uint256 indexed epoch, uint64 firstPosition, bytes32 oldRoot, bytes32 newRoot, bytes32 rowsRoot, bytes rows)",
  ),
  EntriesAbandoned: AbiEvent.from(
    "event EntriesAbandoned(uint256 indexed epoch, uint64 firstPosition, uint64 lastPosition)",
  ),
} as const;

const NAMES = Object.keys(EVENTS) as readonly Name[];
const BY_TOPIC: ReadonlyMap<string, Name> = new Map(
  NAMES.map((name) => [AbiEvent.getSelector(EVENTS[name]), name]),
);

/**
 * `undefined` for logs that change nothing here, such as those of accounts.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED for a log that has not its event's form
 */
export function decodeLedgerLog({ topics, data }: LedgerLog): LedgerEvent | undefined {
  const name = BY_TOPIC.get(topics[0] ?? "");
  if (name === undefined) return undefined;
  try {
    const args: unknown = AbiEvent.decode(EVENTS[name], { topics: topics, data });
    return { name, ...SCHEMAS[name].parse(args) } as LedgerEvent;
  } catch (cause) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: `a log of the ledger has another form than ${name} says`,
      cause,
    });
  }
}
