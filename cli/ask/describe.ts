/** An answer for a person, and for a program. */

import type { OutputValue } from "../../protocol/output-abi.ts";
import type { QuestionAnswered } from "./ask-concierge.ts";

export interface AskResult extends QuestionAnswered {
  readonly receiptFile: string | null;
  readonly policyFile: string;
}

/** Integers are bigint in the domain and decimal strings in JSON, as everywhere in the protocol. */
const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

export function toJson(result: object): string {
  return JSON.stringify(result, plain);
}

/** `flagged = true, severity = 9, reason = "…"`, or the text itself. */
export function describeValue(value: OutputValue | null): string {
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
  const lines = [
    `answer      ${describeValue(result.answer)}`,
    `status      ${result.status}`,
    ...(result.reason === null ? [] : [`reason      ${result.reason}`]),
    `request     ${result.requestTx}, ${result.requestGas} gas`,
    result.fulfillTx === null
      ? `fulfilment  none yet: the request ${result.requestId} is open`
      : `fulfilment  ${result.fulfillTx}, ${result.fulfillGas} gas, ${result.msToAnswer} ms after the request`,
  ];
  if (result.receiptFile !== null) {
    lines.push(
      `receipt     ${result.receiptFile}`,
      `verify it:  adyton verify ${result.receiptFile} --policy ${result.policyFile}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
