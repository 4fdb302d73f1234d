/** A run as its receipt records it: what a replay is given in place of the world. */

import { sha256 } from "@noble/hashes/sha2.js";
import type {
  CallExchanged,
  EventProven,
  ProgramEnded,
  ProgramStarted,
} from "../../protocol/agent-events.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { understoodEvent, type TranscriptEvent } from "../../protocol/transcript.ts";
import type { RecordedExchange } from "./call-result.ts";
import { NotReplayable, ReplayDivergence } from "./replay-verdict.ts";

type Forwarded = Extract<TranscriptEvent, { type: "request.forwarded" }>;
type Settled = Extract<TranscriptEvent, { type: "call.settled" }>;
type Received = Extract<TranscriptEvent, { type: "response.received" }>;

export interface RecordedCall {
  readonly op: string;
  readonly argsHash: Hex;
  /** null where the receipt does not show them. */
  readonly args: string | null;
  readonly forwarded: readonly Forwarded[];
  readonly exchange: RecordedExchange | null;
  readonly settled: Settled;
}

export interface Recording {
  readonly started: ProgramStarted;
  /** Of a run for a log, what proves it; null where no event names any. */
  readonly proof: { readonly event: EventProven; readonly bytes: Uint8Array } | null;
  readonly calls: ReadonlyMap<number, RecordedCall>;
  readonly logs: readonly Hex[];
  readonly ended: ProgramEnded;
}

/** @throws {NotReplayable} where something is withheld; {ReplayDivergence} for a body that is not the one that its event names */
export function readRecording(receipt: Receipt): Recording {
  const events = receipt.transcript.map(understoodEvent);
  if (events.includes(undefined))
    throw new NotReplayable("withheld", "events of the transcript are withheld or unknown");
  const all = events as readonly TranscriptEvent[];
  const started = one(all, "program.started");
  const ended = one(all, "program.ended");
  const calls = new Map(
    ofType(all, "call.made").map((made) => [made.call, readCall(receipt, all, made)] as const),
  );
  checkNothingElse(all, calls);
  const [proven, ...more] = ofType(all, "event.proven");
  if (more.length > 0) throw new NotReplayable("noProgram", "the transcript has more than one event.proven");
  return {
    started,
    proof: proven === undefined ? null : readEvent(receipt, proven),
    calls,
    logs: ofType(all, "log.written").map(({ hash }) => hash),
    ended,
  };
}

/** Every call and every exchange is one of those that are replayed: what is beside them would be believed unread. */
function checkNothingElse(
  events: readonly TranscriptEvent[],
  calls: ReadonlyMap<number, RecordedCall>,
): void {
  for (const type of ["call.made", "call.settled"] as const) {
    if (ofType(events, type).length !== calls.size)
      throw new NotReplayable("noProgram", `the transcript has another number of ${type} than of calls`);
  }
  const exchanged = ofType(events, "call.exchanged");
  const linked = new Set(exchanged.filter(({ call }) => calls.has(call)).map(({ exchange }) => exchange));
  const ends = [...ofType(events, "response.received"), ...ofType(events, "exchange.failed")];
  for (const side of [ofType(events, "request.forwarded"), ends]) {
    const exchanges = side.map(({ exchange }) => exchange);
    if (new Set(exchanges).size !== exchanges.length || exchanges.some((exchange) => !linked.has(exchange)))
      throw new NotReplayable("noProgram", "the transcript has an exchange that is of no call, or twice");
  }
}

function readEvent(receipt: Receipt, event: EventProven): NonNullable<Recording["proof"]> {
  const bytes = bodyOf(receipt, event.proofHash, null);
  if (bytes === null) throw new NotReplayable("withheld", "what proves the log is withheld");
  return { event, bytes };
}

function ofType<Type extends TranscriptEvent["type"]>(
  events: readonly TranscriptEvent[],
  type: Type,
): readonly Extract<TranscriptEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<TranscriptEvent, { type: Type }> => event.type === type);
}

function one<Type extends TranscriptEvent["type"]>(
  events: readonly TranscriptEvent[],
  type: Type,
): Extract<TranscriptEvent, { type: Type }> {
  const [only, ...others] = ofType(events, type);
  if (only === undefined || others.length > 0) {
    throw new NotReplayable(
      "noProgram",
      `the transcript has ${others.length === 0 ? "no" : "more than one"} ${type}`,
    );
  }
  return only;
}

function readCall(
  receipt: Receipt,
  events: readonly TranscriptEvent[],
  made: Extract<TranscriptEvent, { type: "call.made" }>,
): RecordedCall {
  const { call, op, argsHash } = made;
  const settled = ofType(events, "call.settled").find((event) => event.call === call);
  if (settled === undefined)
    throw new NotReplayable("noProgram", `call ${call} has no result in the transcript`);
  const exchanged = ofType(events, "call.exchanged").filter((event) => event.call === call);
  const numbers = new Set(exchanged.map(({ exchange }) => exchange));
  const last = exchanged.at(-1);
  const args = bodyOf(receipt, argsHash, call);
  return {
    op,
    argsHash,
    args: args === null ? null : new TextDecoder().decode(args),
    forwarded: ofType(events, "request.forwarded").filter(({ exchange }) => numbers.has(exchange)),
    exchange: last === undefined ? null : readExchange(receipt, events, last),
    settled,
  };
}

function readExchange(
  receipt: Receipt,
  events: readonly TranscriptEvent[],
  link: CallExchanged,
): RecordedExchange {
  const failed = ofType(events, "exchange.failed").find(({ exchange }) => exchange === link.exchange);
  if (failed !== undefined) return { kind: "failed", code: failed.code };
  const response = ofType(events, "response.received").find(({ exchange }) => exchange === link.exchange);
  if (response === undefined) throw new NotReplayable("noProgram", `exchange ${link.exchange} has no end`);
  return {
    kind: "complete",
    status: response.status,
    headers: link.headers ?? {},
    body: responseBody(receipt, response, link.call),
    transport: response.transport,
    format: link.format,
  };
}

function responseBody(receipt: Receipt, { bodyHash }: Received, call: number): Uint8Array {
  const body = bodyOf(receipt, bodyHash, call);
  if (body === null) throw new NotReplayable("withheld", `the body that call ${call} brought is withheld`);
  return body;
}

/** @throws {ReplayDivergence} when the receipt has other bytes under that name */
export function bodyOf({ bodies }: Receipt, name: Hex, call: number | null): Uint8Array | null {
  const hex = bodies[name];
  if (hex === undefined) return null;
  const bytes = fromHex(hex);
  const actual = toHex(sha256(bytes));
  if (actual !== name) throw new ReplayDivergence({ at: "body", call, expected: name, actual });
  return bytes;
}
