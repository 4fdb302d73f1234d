/** What a run did, call by call, as a person follows it. */

import { readRecording, type RecordedCall, type Recording } from "../../runtime/agents/recording.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { paint, printableBelow, printableLine } from "../terminal.ts";

export interface TracedCall {
  readonly call: number;
  readonly op: string;
  /** What was asked, in a line. */
  readonly asked: string;
  /** `ok`, or the code of what went wrong. */
  readonly result: string;
  readonly bytes: number;
  /** Wei. */
  readonly cost: string;
  /** Milliseconds from when it was made to when it came back, as whoever watched saw it; null of a run that nobody watched. */
  readonly ms: number | null;
}

export interface Trace {
  readonly calls: readonly TracedCall[];
  readonly logs: readonly string[];
  readonly outcome: string;
  readonly gas: string;
  /** Wei. */
  readonly cost: string;
}

/** Characters of what was asked. */
const SHOWN = 60;

/** @throws {NotReplayable} where something is withheld; {ReplayDivergence} for a body that is not the one that its event names */
export function traceOf(receipt: Receipt, times: ReadonlyMap<number, number> = new Map()): Trace {
  const recording = readRecording(receipt);
  const { ended } = recording;
  return {
    calls: tracedCalls(recording, times),
    logs: logsOf(receipt, recording),
    outcome: ended.outcome,
    gas: ended.gas,
    cost: ended.feeWei,
  };
}

function tracedCalls(
  { started, calls }: Recording,
  times: ReadonlyMap<number, number>,
): readonly TracedCall[] {
  let left = BigInt(started.feeWei);
  return [...calls]
    .sort(([one], [other]) => one - other)
    .map(([call, recorded]) => {
      const { settled, op } = recorded;
      const after = BigInt(settled.feeWei);
      // Calls that were open together share what was spent meanwhile.
      const cost = after < left ? left - after : 0n;
      left = after;
      return {
        call,
        op,
        asked: askedOf(recorded),
        result: settled.code ?? "ok",
        bytes: settled.resultBytes,
        cost: cost.toString(),
        ms: times.get(call) ?? null,
      };
    });
}

function askedOf({ op, args }: RecordedCall): string {
  if (args === null) return "(withheld)";
  return shown(describeArgs(op, JSON.parse(args) as Record<string, unknown> | null));
}

/** The arguments of a call in a line. */
export function describeArgs(op: string, args: unknown): string {
  const { url, method, model, messages, rule, message } = (args ?? {}) as Readonly<Record<string, unknown>>;
  switch (op) {
    case "http":
      return `${text(method) || "GET"} ${text(url)}`;
    case "mcp": {
      const said = (message ?? {}) as Readonly<Record<string, unknown>>;
      return [text(said["method"]), text(said["name"]), text(url)].filter((part) => part !== "").join(" ");
    }
    case "model": {
      const last = Array.isArray(messages) ? (messages.at(-1) as { readonly content?: unknown }) : undefined;
      return `${text(model)} "${text(last?.content)}"`.trimStart();
    }
    case "agree":
      return text(rule);
    default:
      return args === null ? "" : JSON.stringify(args);
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value.replaceAll(/\s+/gu, " ") : "";
}

function shown(line: string): string {
  const characters = Array.from(line);
  return characters.length <= SHOWN ? line : `${characters.slice(0, SHOWN - 1).join("")}…`;
}

function logsOf({ bodies }: Receipt, { logs }: Recording): readonly string[] {
  return logs.map((hash) => {
    const body = bodies[hash];
    return body === undefined ? hash : new TextDecoder().decode(fromHex(body));
  });
}

export function describeTrace({ calls, logs, outcome, gas, cost }: Trace): string {
  const rows = calls.map(({ call, op, asked, result, bytes, ms, cost: wei }) => {
    const code = result === "ok" ? paint.good(result) : paint.bad(result);
    const time = ms === null ? "" : `${ms} ms`;
    const paid = wei === "0" ? "" : `, ${wei} wei`;
    return `${String(call).padStart(4)}  ${op.padEnd(6)} ${time.padStart(8)}  ${code}  ${printableLine(asked)} ${paint.dim(`(${bytes} bytes${paid})`)}`;
  });
  return [
    ...rows,
    ...logs.map((line) => `${paint.dim(" log")}  ${printableBelow(line, 6)}`),
    `outcome  ${outcome}`,
    `gas      ${gas}`,
    `cost     ${cost} wei for models`,
    "",
  ].join("\n");
}
