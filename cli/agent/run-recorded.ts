/** Runs a program against what a receipt recorded, without a network: the program may have changed since. */

import { decodePayload, PayloadType } from "../../protocol/payload.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { isHostCausable, tell } from "../../runtime/agents/call-result.ts";
import { readRecording, type Recording } from "../../runtime/agents/recording.ts";
import { runProgram, type Call, type CallDelivery, type RunEnd } from "../../runtime/agents/run-loop.ts";
import { toAnswer } from "../../runtime/agents/run-output.ts";
import { secondsLeft, toRunTerms } from "../../runtime/agents/run-terms.ts";
import type { Outcome } from "../../runtime/output/panel.ts";
import { loadSandbox } from "../replay/load-sandbox.ts";
import type { BuiltProgram } from "./build-program.ts";
import { describeArgs, type TracedCall } from "./trace.ts";

export interface RecordedRun {
  readonly answer: Outcome;
  readonly end: RunEnd;
  readonly calls: readonly TracedCall[];
}

/** The input of the recorded run. @throws {InputError} INPUT_INVALID for a receipt of something else */
export function recordedInput({ payload }: Receipt): Uint8Array {
  const decoded = decodePayload(fromHex(payload));
  if (decoded.type === PayloadType.agent) return decoded.call.input;
  throw new InputError({ code: "INPUT_INVALID", message: "the receipt is of no agent's run" });
}

/** @throws {InputError} INPUT_NOT_FOUND for a call that was not recorded so, naming both */
export async function runRecorded(
  receipt: Receipt,
  { program }: BuiltProgram,
  input: Uint8Array,
): Promise<RecordedRun> {
  const recording = readRecording(receipt);
  const { started } = recording;
  const { answer, stateBlock } = receipt;
  const terms = toRunTerms({ requestId: answer.requestId, program, input, stateBlock, started });
  const calls: TracedCall[] = [];
  const perform = (call: Call): CallDelivery => {
    const { delivery, code } = bring(recording, call, (time) => secondsLeft(program, started.now, time));
    const { number, op, args } = call;
    const asked = describeArgs(op, JSON.parse(args));
    calls.push({
      call: number,
      op,
      asked,
      result: code ?? "ok",
      bytes: delivery.text.length,
      cost: "0",
      ms: null,
    });
    return delivery;
  };
  const end = await runProgram(
    loadSandbox().image,
    terms,
    (call) =>
      new Promise((resolve) => {
        resolve(perform(call));
      }),
  );
  return { answer: toAnswer(end, program.manifest, MAX_OUTPUT_BYTES), end, calls };
}

function bring(
  { calls }: Recording,
  { number, op, args }: Call,
  secondsAt: (time: number) => number,
): { readonly delivery: CallDelivery; readonly code: string | null } {
  const recorded = calls.get(number);
  if (recorded?.op !== op || recorded.args !== args) {
    const was = recorded === undefined ? "no such call" : `${recorded.op} ${recorded.args ?? "(withheld)"}`;
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: `call ${number} was not recorded so: run against a network to record it\n  recorded  ${was}\n  now       ${op} ${args}`,
    });
  }
  const { exchange, settled } = recorded;
  const { reason, code, time, feeWei } = settled;
  const refusal = exchange === null && reason !== null && code !== null ? { code, reason } : null;
  const told = tell({ op, args, exchange, refusal, time, left: { feeWei, seconds: secondsAt(time) } });
  const failure = told.failure?.code ?? null;
  return {
    delivery: { text: told.text, isHostFailure: failure !== null && isHostCausable(failure) },
    code: failure,
  };
}
