/**
 * Runs a program again from its receipt, without the world: every result is derived anew from the raw body that came, and
 * everything that the enclave signed of the run is compared with what comes of it.
 *
 * Holds on return: this program, given this input and these responses, makes these calls and returns this output, for this gas.
 * Left to the caller: whether the receipt is genuine (`verifyReceipt`). What servers answered, which calls the enclave refused, the
 * times and what models cost are the enclave's word, as is that the model's request said what the program asked.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { AgentCall } from "../../protocol/agent-call.ts";
import { parseProgram, programHash, type Program } from "../../protocol/agent-program.ts";
import { fromHex, fromUtf8, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { decodePayload, PayloadType } from "../../protocol/payload.ts";
import { isEventRun, isOnChain, type Receipt } from "../../protocol/receipt.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { bodyOf as httpBody, HttpArgs, parseArgs } from "./call-args.ts";
import { isHostCausable, tell } from "./call-result.ts";
import { proveRecordedEvent } from "./event-run.ts";
import { McpArgs, mcpBody } from "./mcp-message.ts";
import { bodyOf, readRecording, type RecordedCall, type Recording } from "./recording.ts";
import { NotReplayable, ReplayDivergence, type DivergedAt } from "./replay-verdict.ts";
import { runProgram, type Call, type CallDelivery, type RunEnd, type RunTerms } from "./run-loop.ts";
import { toAnswer } from "./run-output.ts";
import { secondsLeft, toRunTerms, type RunStart } from "./run-terms.ts";
import type { SandboxImage } from "./sandbox.ts";

/** The sandbox of a replay: the files that a transcript names by their hashes. */
export interface ReplaySandbox {
  readonly image: SandboxImage;
  readonly engine: Hex;
  readonly prelude: Hex;
}

export interface Replay {
  readonly end: RunEnd;
  readonly program: Program;
}

/** @throws {ReplayDivergence} naming the first difference; {NotReplayable}; nothing else for any receipt that `parseReceipt` takes */
export async function replayReceipt(
  receipt: Receipt,
  sandbox: ReplaySandbox,
  programFile: Uint8Array | null = null,
): Promise<Replay> {
  const call = readCall(receipt);
  const recording = readRecording(receipt);
  const { started } = recording;
  compare("input", started.inputHash, keccak(call.input));
  compare("program", started.programHash, call.programHash);
  compareEvent(receipt, recording, call);
  const program = readProgram(receipt, recording, call.program.length > 0 ? call.program : programFile);
  if (started.engine !== sandbox.engine || started.prelude !== sandbox.prelude) {
    throw new NotReplayable(
      "engineUnknown",
      `the run was made in engine ${started.engine} with prelude ${started.prelude}, and this version has ${sandbox.engine} and ${sandbox.prelude}`,
    );
  }
  const { requestId } = receipt.answer;
  const { stateBlock } = receipt;
  const terms = readTerms({ requestId, program, input: call.input, stateBlock, started });
  const end = await runProgram(
    sandbox.image,
    terms,
    (made) =>
      // A divergence is a rejection: the run loop waits for each result in its turn.
      new Promise((resolve) => {
        resolve(bring(recording, program, made));
      }),
  );
  compareEnd(recording, end);
  compareAnswer(receipt, program, { end, call });
  return { end, program };
}

function readCall({ payload }: Receipt): AgentCall {
  try {
    const decoded = decodePayload(fromHex(payload));
    if (decoded.type === PayloadType.agent) return decoded.call;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  throw new NotReplayable("noProgram", "the payload is no agent's call that can be read");
}

/** The log is proven anew, and the run's id and input are what follows from it. */
function compareEvent(receipt: Receipt, { started, proof }: Recording, call: AgentCall): void {
  const isForLog = isEventRun(receipt);
  compare("event", started.trigger === "event" ? "a log" : "no log", isForLog ? "a log" : "no log");
  compare("event", proof === null ? "no log" : "a log", isForLog ? "a log" : "no log");
  if (!isForLog || proof === null) return;
  const { event, bytes } = proof;
  const { chainId, blockHash, logIndex, programHash } = receipt.request;
  compare(
    "event",
    `log ${event.logIndex} of ${event.blockHash} on ${event.chainId}`,
    `log ${logIndex} of ${blockHash} on ${chainId}`,
  );
  try {
    const { requestId, input } = proveRecordedEvent({ chainId, programHash, logIndex }, bytes);
    compare("event", receipt.answer.requestId, requestId);
    compare("event", fromUtf8(call.input), fromUtf8(input));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ReplayDivergence({ at: "event", call: null, expected: event.proofHash, actual: error.message });
  }
}

function readProgram(receipt: Receipt, { started }: Recording, carried: Uint8Array | null): Program {
  const kept = started.programBody === null ? null : bodyOf(receipt, started.programBody, null);
  const file = carried ?? kept;
  if (file === null)
    throw new NotReplayable("programMissing", `bring the program ${started.programHash}: --program FILE`);
  compare("program", started.programHash, programHash(file));
  try {
    return parseProgram(file);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new NotReplayable("noProgram", `the file with the program's hash is no program: ${error.message}`);
  }
}

/** An enclave starts no program with an input that is not of its type. */
function readTerms(start: RunStart): RunTerms {
  try {
    return toRunTerms(start);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ReplayDivergence({
      at: "input",
      call: null,
      expected: keccak(start.input),
      actual: error.message,
    });
  }
}

function compare(at: DivergedAt, expected: string, actual: string, call: number | null = null): void {
  if (expected !== actual) throw new ReplayDivergence({ at, call, expected, actual });
}

function hashOf(text: string): Hex {
  return toHex(sha256(toUtf8(text)));
}

/** What the record has for a call that the replay makes. */
function bring(recording: Recording, program: Program, { number, op, args }: Call): CallDelivery {
  const recorded = recording.calls.get(number);
  if (recorded === undefined)
    throw new ReplayDivergence({ at: "callExtra", call: number, expected: "", actual: `${op} ${args}` });
  compare("op", recorded.op, op, number);
  if (recorded.argsHash !== hashOf(args)) {
    const expected = recorded.args ?? recorded.argsHash;
    throw new ReplayDivergence({ at: "args", call: number, expected, actual: args });
  }
  checkRequest(recorded, { number, op, args });
  const { settled, exchange } = recorded;
  const { reason, code, time, feeWei } = settled;
  // Replies from the network are judged again, whatever the record makes of them.
  const refusal = exchange === null && reason !== null && code !== null ? { code, reason } : null;
  const left = { feeWei, seconds: secondsLeft(program, recording.started.now, time) };
  const told = tell({ op, args, exchange, refusal, time, left });
  if (settled.resultHash !== hashOf(told.text)) {
    throw new ReplayDivergence({
      at: "result",
      call: number,
      expected: settled.resultHash,
      actual: told.text,
    });
  }
  compare("result", code ?? "", told.failure?.code ?? "", number);
  return { text: told.text, isHostFailure: told.failure !== null && isHostCausable(told.failure.code) };
}

/** A request over HTTP went where the program sent it, with the body that it gave; nobody answers what was not sent. */
function checkRequest({ forwarded, exchange }: RecordedCall, { number, op, args }: Call): void {
  if (op !== "http" && op !== "mcp") return;
  if (exchange === null && forwarded.length === 0) return;
  if (forwarded.length === 0)
    throw new ReplayDivergence({ at: "request", call: number, expected: "", actual: args });
  const asked = requestOf(op, args, number);
  const url = URL.parse(asked.url);
  if (url !== null) url.hash = "";
  for (const request of forwarded) {
    compare(
      "request",
      `${request.method} ${request.url}`,
      `${asked.method} ${url?.href ?? asked.url}`,
      number,
    );
    compare("request", request.bodyHash, toHex(sha256(asked.body)), number);
  }
}

interface AskedRequest {
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array;
}

/** @throws {ReplayDivergence} for what no enclave sends anywhere */
function requestOf(op: "http" | "mcp", args: string, call: number): AskedRequest {
  try {
    if (op === "http") {
      const asked = parseArgs(HttpArgs, args);
      return { ...asked, body: httpBody(asked) };
    }
    const asked = parseArgs(McpArgs, args);
    return { method: "POST", url: asked.url, body: mcpBody(asked) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new ReplayDivergence({ at: "request", call, expected: args, actual: error.message });
  }
}

function compareEnd({ ended, calls, logs }: Recording, end: RunEnd): void {
  for (const [number, { op, args }] of calls) {
    if (number < end.calls) continue;
    throw new ReplayDivergence({
      at: "callMissing",
      call: number,
      expected: `${op} ${args ?? ""}`,
      actual: "",
    });
  }
  compare("outcome", ended.outcome, end.outcome);
  compare("returned", ended.resultHash ?? "", end.result === null ? "" : hashOf(end.result));
  compare("gas", ended.gas, end.gas.toString());
  compare("calls", String(ended.calls), String(end.calls));
  compare("logs", logs.join(), end.logs.map(hashOf).join());
}

function compareAnswer(
  receipt: Receipt,
  { manifest }: Program,
  { end, call }: { readonly end: RunEnd; readonly call: AgentCall },
): void {
  const asked = isOnChain(receipt) ? receipt.request.maxOutputBytes : MAX_OUTPUT_BYTES;
  const answer = toAnswer(end, manifest, Math.min(asked, MAX_OUTPUT_BYTES, call.maxOutputBytes));
  compare("status", String(receipt.answer.status), String(answer.status));
  compare("output", receipt.output, toHex(answer.output));
}
