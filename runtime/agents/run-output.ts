/** A run's outcome, as the status and output of an answer: the same for the enclave and for whoever replays. */

import { AnswerStatus } from "../../protocol/answer.ts";
import type { Manifest } from "../../protocol/agent-program.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, parseJson } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { createOutputContract } from "../output/output-contract.ts";
import { OutputProblem } from "../output/output-problem.ts";
import { without, type Outcome } from "../output/panel.ts";
import { typedFormat } from "./call-args.ts";
import type { RunEnd } from "./run-loop.ts";

const REASONS = {
  stuck: "the program waits for something that nobody brings",
  notLoaded: "the program does not compile, or imports something",
  outOfGas: "the program used up its gas",
  outOfMemory: "the program used up its memory",
  tooDeep: "the program's calls nest too deep",
} as const;

/**
 * A program that ends badly is paid for, since it could otherwise ask models, tell somebody what they said, and throw; unless
 * whoever runs the machine could have caused it, who would otherwise earn by cutting lines.
 */
export function toAnswer(end: RunEnd, manifest: Manifest, maxOutputBytes: number): Outcome {
  switch (end.outcome) {
    case "returned":
      return toOutput(end, manifest, maxOutputBytes);
    case "hostFailure":
      return without(AnswerStatus.upstreamFailed, "a call failed, and the program does not go on without it");
    case "threw":
      return bad(end, end.result ?? "");
    default:
      return bad(end, REASONS[end.outcome]);
  }
}

function bad({ sawHostFailure }: RunEnd, reason: string): Outcome {
  return without(sawHostFailure ? AnswerStatus.upstreamFailed : AnswerStatus.programFailed, reason);
}

function toOutput(end: RunEnd, { output: type }: Manifest, maxOutputBytes: number): Outcome {
  try {
    const text = end.result ?? "null";
    const output =
      type === null
        ? encodeCanonicalJson(parseJson(toUtf8(text)))
        : createOutputContract(typedFormat(type)).toOutput(text, maxOutputBytes);
    if (output.length > maxOutputBytes) return bad(end, `the output is longer than ${maxOutputBytes} bytes`);
    return { status: AnswerStatus.ok, output, reason: null };
  } catch (error) {
    if (!(error instanceof OutputProblem) && !(error instanceof InputError)) throw error;
    return bad(end, `the output cannot be given: ${error.message}`);
  }
}
