/**
 * A run for one log of a chain, from what whoever asks for it shows: the block's header and all of its receipts. The log is proven under
 * the block's hash, and every field of the run follows from it. The enclave calls this before it runs anything, a replay and
 * whoever asked again afterwards. docs/reference/protocol.md, Event runs.
 */

import * as z from "zod";
import { fromUtf8, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, parseJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { eventRunId, type EventRun } from "../../protocol/event-run.ts";
import { bytes32, uint256, uint32 } from "../../protocol/fields.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import { BlockDescription, verifyBlock } from "../evm/block-header.ts";
import { ProofRefused } from "../evm/proof-refused.ts";
import { ShownReceipt, verifyAllLogs, type ProvenLog } from "../evm/receipts.ts";
import { accountRunPayload } from "./account-run.ts";

/** Of a block, canonical: it is a body of the receipt, twice as long in hex. */
export const MAX_EVENT_PROOF_BYTES = 1024 * 1024;
/** Seconds after its block in which a log is run for: so long is it remembered that it was. */
const EVENT_LIFETIME_SECONDS = 3_600n;

const EventProof = z.strictObject({ block: BlockDescription, receipts: z.array(ShownReceipt) });
type EventProof = z.output<typeof EventProof>;

/** `POST /v1/agents/event-runs` */
export const EventRunCall = z.strictObject({
  chainId: uint256,
  programHash: bytes32,
  /** In the block. */
  logIndex: uint32,
  block: BlockDescription,
  /** All of the block's, in their order. */
  receipts: z.array(ShownReceipt),
});
export type EventRunCall = z.output<typeof EventRunCall>;

export interface ProvenEvent {
  readonly run: EventRun;
  readonly requestId: Hex;
  readonly log: ProvenLog;
  /** What the program is given, as JSON. */
  readonly input: Uint8Array<ArrayBuffer>;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly stateBlock: StateBlock;
  readonly requestedAt: bigint;
  readonly deadline: bigint;
  /** What proves it, canonical. */
  readonly proof: Uint8Array<ArrayBuffer>;
}

/**
 * Holds on return: a block of the run's hash has this log at this place.
 * Left to whoever relies on the run: that the chain has that block.
 *
 * @throws {InputError} INPUT_INVALID for what proves no such log; INPUT_TOO_LARGE
 */
export function proveEvent({ chainId, programHash, logIndex, block, receipts }: EventRunCall): ProvenEvent {
  const header = readProof(() => verifyBlock(block));
  const log = readProof(() => verifyAllLogs(header, receipts)).at(logIndex);
  if (log === undefined) throw refused(`the block has no log ${logIndex}`);
  // Fields that a header or receipt has not got are absent, and never undefined.
  const shown: EventProof = { block, receipts };
  const proof = encodeCanonicalJson(shown as unknown as Json);
  if (proof.length > MAX_EVENT_PROOF_BYTES) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a block's header and receipts have at most ${MAX_EVENT_PROOF_BYTES} bytes`,
      details: { bytes: proof.length },
    });
  }
  const run: EventRun = { chainId, blockHash: header.hash, logIndex, programHash };
  const input = encodeCanonicalJson({
    chainId: chainId.toString(),
    timestamp: Number(header.timestamp),
    log: { ...log, blockNumber: header.number.toString(), blockHash: header.hash },
  });
  return {
    run,
    requestId: eventRunId(run),
    log,
    input,
    payload: accountRunPayload(programHash, input),
    stateBlock: { number: header.number, hash: header.hash },
    requestedAt: header.timestamp,
    deadline: header.timestamp + EVENT_LIFETIME_SECONDS,
    proof,
  };
}

/** The same from a recorded proof. @throws {InputError} as `proveEvent` */
export function proveRecordedEvent(
  run: Pick<EventRun, "chainId" | "programHash" | "logIndex">,
  proof: Uint8Array,
): ProvenEvent {
  const shown = EventProof.safeParse(parseJson(toUtf8(fromUtf8(proof))));
  if (!shown.success) throw refused("it is no header with receipts");
  return proveEvent({ ...run, ...shown.data });
}

function readProof<Value>(prove: () => Value): Value {
  try {
    return prove();
  } catch (error) {
    if (error instanceof ProofRefused) throw refused(error.message);
    throw error;
  }
}

function refused(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `the log is not proven: ${message}` });
}
