/** The events that an agent's run adds to a transcript: enough to run it again, and to say where another run parts from it. */

import * as z from "zod";
import { bytes32, uint32 } from "./fields.ts";

const size = z.int().min(0);
const seconds = z.int().min(0).max(253_402_300_799);
const wei = z.string().regex(/^(?:0|[1-9][0-9]{0,38})$/);

export const TRIGGERS = ["request", "slot", "event", "http"] as const;

/** How a run ended. */
export const RUN_OUTCOMES = [
  "returned",
  "threw",
  "stuck",
  "notLoaded",
  "outOfGas",
  "outOfMemory",
  "tooDeep",
  /** A call failed as whoever runs the machine could have made it fail, and the program asked not to go on. */
  "hostFailure",
] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** Why a call brought nothing. `hostCausable` follows from the code: `isHostCausable` in runtime/agents/call-result.ts. */
export const CALL_ERROR_CODES = [
  "REFUSED",
  "OUT_OF_BUDGET",
  "OUT_OF_TIME",
  "UNREACHABLE",
  "TIMEOUT",
  "BAD_RESPONSE",
  "TOO_LARGE",
  "MODEL_REFUSED",
  "REVERTED",
] as const;
export type CallErrorCode = (typeof CALL_ERROR_CODES)[number];

/** The format that a model's answer is in, by the name and dialect of the behaviour file. */
export const RecordedFormat = z.strictObject({
  name: z.string(),
  stripsReasoning: z.boolean(),
});
export type RecordedFormat = z.output<typeof RecordedFormat>;

export const ProgramStarted = z.strictObject({
  type: z.literal("program.started"),
  programHash: bytes32,
  /** SHA-256, by which the file is among the bodies where the payload does not carry it; null where it does. */
  programBody: bytes32.nullable(),
  programBytes: size,
  inputHash: bytes32,
  seed: bytes32,
  now: seconds,
  /** SHA-256 of the two files that the program ran in. */
  engine: bytes32,
  prelude: bytes32,
  trigger: z.enum(TRIGGERS),
  feeWei: wei,
});
export type ProgramStarted = z.output<typeof ProgramStarted>;

/** Before the program starts: the log that it runs for is proven. */
export const EventProven = z.strictObject({
  type: z.literal("event.proven"),
  chainId: z.string().regex(/^(?:0|[1-9][0-9]{0,77})$/),
  blockHash: bytes32,
  /** In the block. */
  logIndex: uint32,
  /** SHA-256 of the block's header and receipts, as RFC 8785 JSON: they are among the bodies. */
  proofHash: bytes32,
  proofBytes: size,
});
export type EventProven = z.output<typeof EventProven>;

export const CallMade = z.strictObject({
  type: z.literal("call.made"),
  call: uint32,
  op: z.string().max(32),
  /** SHA-256 of the text that crossed. */
  argsHash: bytes32,
  argsBytes: size,
});

/** Follows each exchange of a call. */
export const CallExchanged = z.strictObject({
  type: z.literal("call.exchanged"),
  call: uint32,
  exchange: uint32,
  /** Of a model's answer. */
  format: RecordedFormat.nullable(),
  /** Of a response over HTTP: those that the program sees. */
  headers: z.record(z.string(), z.string()).nullable(),
});
export type CallExchanged = z.output<typeof CallExchanged>;

export const CallSettled = z.strictObject({
  type: z.literal("call.settled"),
  call: uint32,
  code: z.enum(CALL_ERROR_CODES).nullable(),
  /** Of a call that the enclave itself refused; null where it follows from the exchange. */
  reason: z.string().max(600).nullable(),
  resultHash: bytes32,
  resultBytes: size,
  /** By the enclave's clock, when the call came back. */
  time: seconds,
  /** What the run could still pay for models. */
  feeWei: wei,
});
export type CallSettled = z.output<typeof CallSettled>;

export const LogWritten = z.strictObject({
  type: z.literal("log.written"),
  hash: bytes32,
  bytes: size,
});

export const ProgramEnded = z.strictObject({
  type: z.literal("program.ended"),
  outcome: z.enum(RUN_OUTCOMES),
  /** SHA-256 of what it returned or threw, as text; null where it did neither. */
  resultHash: bytes32.nullable(),
  resultBytes: size,
  /** Used up. */
  gas: z.string().regex(/^(?:0|[1-9][0-9]{0,15})$/),
  calls: uint32,
  feeWei: wei,
});
export type ProgramEnded = z.output<typeof ProgramEnded>;

export const AGENT_EVENTS = [
  EventProven,
  ProgramStarted,
  CallMade,
  CallExchanged,
  CallSettled,
  LogWritten,
  ProgramEnded,
] as const;
