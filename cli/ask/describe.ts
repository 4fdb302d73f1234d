/** An answer for a person, and for a program. */

import { DEFAULT_NETWORK_FILE } from "../../devnet/network-file.ts";
import type { OutputValue } from "../../protocol/output-abi.ts";
import { commandLine } from "../invocation.ts";
import { paint, printableBelow, printableLine, wrap } from "../terminal.ts";
import type { Answered } from "./ask-contract.ts";
import type { Reply } from "./reply.ts";
import { describeSource } from "./sources-read.ts";

export interface AskResult extends Answered, Reply {
  readonly question: string;
  /** Where the network is told of, as the reader named it. */
  readonly networkFile: string;
  readonly receiptFile: string | null;
  readonly policyFile: string;
}

/** Integers are bigint in the domain and decimal strings in JSON, as everywhere in the protocol. */
const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

export function toJson(result: object): string {
  return JSON.stringify(result, plain);
}

/** `flagged = true, severity = 9, reason = "…"`, or the text itself, below itself; nothing that a terminal would obey. */
export function describeValue(value: OutputValue | null): string {
  return printableBelow(write(value), INDENT);
}

function write(value: OutputValue | null): string {
  if (value === null) return "none";
  if (typeof value === "string") return value;
  if (typeof value !== "object" || Array.isArray(value)) return literal(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name} = ${literal(inner)}`)
    .join(", ");
}

function literal(value: OutputValue): string {
  return typeof value === "bigint" ? value.toString() : JSON.stringify(value, plain);
}

export function describeAnswer(result: AskResult): string {
  const { problem, receiptFile, requestId, fulfillTx } = result;
  const lines = [
    `answer      ${paint.strong(describeValue(result.answer))}`,
    `status      ${describeStatus(result)}`,
    ...(problem === null ? [] : [wrap(printableLine(`because     ${problem}`), INDENT)]),
    ...result.sources.map((source) => wrap(printableLine(`read        ${describeSource(source)}`), INDENT)),
    `request     ${requestId}`,
    `asked in    ${result.requestTx}`,
  ];
  if (fulfillTx !== null) {
    lines.push(
      `settled in  ${fulfillTx}`,
      `gas         ${result.requestGas} to ask, ${result.fulfillGas} to settle`,
      `time        ${result.msToAnswer} ms from the request's block to the settlement's`,
    );
  }
  if (receiptFile !== null) {
    const verify = commandLine("verify", receiptFile, "--policy", result.policyFile);
    lines.push(`receipt     ${receiptFile}`, "Verify it:", `  ${verify}`);
  } else if (fulfillTx === null && result.status !== "notServed") {
    const receipt = commandLine("receipt", requestId, ...namedNetwork(result.networkFile));
    lines.push("Its receipt, once it is settled:", `  ${receipt}`);
  }
  return `${lines.join("\n")}\n`;
}

const namedNetwork = (file: string): readonly string[] =>
  file === DEFAULT_NETWORK_FILE ? [] : ["--network", file];

const INDENT = 12;

function describeStatus({ status, delivered, answerBytes }: AskResult): string {
  if (status !== "ok") return paint.bad(status);
  const size = `${answerBytes} ${answerBytes === 1 ? "byte" : "bytes"}`;
  return delivered
    ? `${paint.good("ok")}, ${size} delivered to the contract`
    : `${paint.bad("ok, NOT DELIVERED")}: the ${size} above are the receipt's`;
}
