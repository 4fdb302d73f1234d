/** A run's starting point, out of its transcript: the same for the enclave and for whoever replays. */

import type { ProgramStarted } from "../../protocol/agent-events.ts";
import type { Program } from "../../protocol/agent-program.ts";
import { fromUtf8, type Hex } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, parseJson, type Json } from "../../protocol/canonical-json.ts";
import { decodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import type { RunTerms } from "./run-loop.ts";

export interface RunStart {
  readonly requestId: Hex;
  readonly program: Program;
  readonly input: Uint8Array;
  /** That the answer is bound to; null off chain. */
  readonly stateBlock: StateBlock | null;
  readonly started: Pick<ProgramStarted, "seed" | "now" | "trigger" | "feeWei">;
}

/** @throws {InputError} INPUT_INVALID for an input that is not of the manifest's type */
export function toRunTerms({ requestId, program, input, stateBlock, started }: RunStart): RunTerms {
  const { limits, onHostFailure } = program.manifest;
  const { seed, now, trigger, feeWei } = started;
  const terms = {
    run: {
      id: requestId,
      program: program.hash,
      now,
      trigger,
      block: stateBlock === null ? null : { number: stateBlock.number.toString(), hash: stateBlock.hash },
    },
    seed,
    left: { calls: limits.calls, feeWei, seconds: limits.seconds },
  };
  return {
    source: program.source,
    input: inputText(program, input),
    terms: fromUtf8(encodeCanonicalJson(terms)),
    now,
    gas: BigInt(limits.gas),
    memoryBytes: limits.memoryBytes,
    calls: limits.calls,
    openCalls: limits.openCalls,
    endsOnHostFailure: onHostFailure === "end",
  };
}

function inputText({ manifest }: Program, input: Uint8Array): string {
  // In slot mode an account gives nothing: no JSON has no bytes.
  if (manifest.input === null)
    return input.length === 0 ? "null" : fromUtf8(encodeCanonicalJson(parseJson(input)));
  const type = parseOutputType(manifest.input);
  const values = decodeOutput(type, input);
  const named = Object.fromEntries(
    type.fields.map(({ name }, index) => [name, toJson(values[index] ?? null)]),
  );
  return fromUtf8(encodeCanonicalJson(named));
}

/** Numbers become decimal texts, whatever their width: a program that computes with them says so. */
function toJson(value: OutputValue | null): Json {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return (value as readonly OutputValue[]).map(toJson);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value as Record<string, OutputValue>).map(([name, inner]) => [name, toJson(inner)]),
    );
  }
  return value;
}

/** Seconds of the run's time that are left at `time`. */
export function secondsLeft({ manifest }: Program, now: number, time: number): number {
  return Math.max(0, now + manifest.limits.seconds - time);
}
