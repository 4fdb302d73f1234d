/** The answer as its contract has it; where the contract could not take it, as the receipt has it. */

import { fromHex, fromUtf8, type Hex } from "../../protocol/bytes.ts";
import { decodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { parseReceipt, type Receipt } from "../../protocol/receipt.ts";
import { understoodEvent } from "../../protocol/transcript.ts";
import type { Answered } from "./ask-contract.ts";
import { explainFailure } from "./failed-delivery.ts";
import { sourcesRead, type SourceRead } from "./sources-read.ts";

export interface Reply {
  /** Text, or the values by name; `null` unless the status is ok. */
  readonly answer: OutputValue | null;
  /** Bytes of the answer. */
  readonly answerBytes: number;
  /** Why the contract has no answer, for a person; `null` when it has it. */
  readonly problem: string | null;
  /** What the enclave read for it. */
  readonly sources: readonly SourceRead[];
}

export interface Given {
  /** What was delivered; `null` when nothing was. */
  readonly delivered: Hex | null;
  /** The receipt's bytes, not verified; `null` when there is none. */
  readonly receipt: Uint8Array | null;
}

export function readReply(
  answered: Answered,
  outputType: string | null,
  { delivered, receipt }: Given,
): Reply {
  const parsed = receipt === null ? null : parseReceipt(receipt);
  const output = answered.status === "ok" ? (delivered ?? parsed?.output ?? null) : null;
  return {
    answer: output === null ? null : decodeReply(output, outputType),
    answerBytes: output === null ? 0 : (output.length - 2) / 2,
    problem: problemOf(answered, parsed, outputType),
    sources: parsed === null ? [] : sourcesRead(parsed),
  };
}

export function decodeReply(output: Hex, outputType: string | null): OutputValue {
  if (outputType === null) return fromUtf8(fromHex(output));
  const type = parseOutputType(outputType);
  const values = decodeOutput(type, fromHex(output));
  return Object.fromEntries(type.fields.map(({ name }, index) => [name, values[index] ?? ""]));
}

function problemOf(answered: Answered, receipt: Receipt | null, outputType: string | null): string | null {
  if (answered.status !== "ok") {
    const why = explainStatus(answered.status, receipt, outputType);
    const reason = answered.reason ?? reasonIn(receipt);
    return reason === null ? why : `${why} (${reason})`;
  }
  return answered.delivered ? null : explainFailure(answered.callback);
}

/** The enclave's own words for why there is no output. */
function reasonIn(receipt: Receipt | null): string | null {
  const last = receipt?.transcript.map(understoodEvent).at(-1);
  return last?.type === "output.returned" ? last.reason : null;
}

function explainStatus(
  status: Answered["status"],
  receipt: Receipt | null,
  outputType: string | null,
): string {
  switch (status) {
    case "refused":
      return "the model refused to answer this question";
    case "upstreamFailed":
      return "the model's server, or one that the question names, failed or answered too late";
    case "invalidOutput":
      return explainInvalidOutput(receipt, outputType);
    case "outOfBudget":
      return "the fee does not cover what the question and its answer cost: offer more";
    case "invalidRequest":
      return "the enclave cannot serve this request: its model, its payload or what it asks of the model";
    case "disagreed":
      return "the members of the quorum do not agree";
    case "notServed":
      return "the oracle does not serve this request";
    case "clockUnknown":
      return "the enclave did not know the time";
    case "refunded":
      return "the deadline passed without an answer; the money came back";
    case "waiting":
      return "no answer yet: the request stays open until its deadline, and anyone can refund it after that";
    default:
      return `the request ended as ${status}`;
  }
}

/** The model did answer: show what, since nothing of it is on the chain. */
function explainInvalidOutput(receipt: Receipt | null, outputType: string | null): string {
  const wanted = outputType === null ? "text" : outputType;
  const limit =
    receipt !== null && "maxOutputBytes" in receipt.request ? receipt.request.maxOutputBytes : null;
  const allowed = limit === null ? "" : ` in at most ${limit} bytes (maxOutputBytes)`;
  const said = receipt === null ? null : lastSaid(receipt);
  const answer = said === null ? "" : `; it said ${Buffer.byteLength(said)} bytes: ${excerpt(said)}`;
  return `the model's answer is not what was asked for, ${wanted}${allowed}${answer}`;
}

/** The model's last text, from the recorded bodies of an OpenAI-compatible chat; null where it is none. */
function lastSaid({ bodies }: Receipt): string | null {
  for (const body of Object.values(bodies).reverse()) {
    try {
      const { choices } = JSON.parse(fromUtf8(fromHex(body))) as {
        readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[];
      };
      const content = choices?.[0]?.message?.content;
      if (typeof content === "string") return content;
    } catch {
      // Some other body.
    }
  }
  return null;
}

const SHOWN = 200;

function excerpt(text: string): string {
  const shown = Array.from(text.replaceAll(/\s+/g, " "));
  return shown.length <= SHOWN ? `"${shown.join("")}"` : `"${shown.slice(0, SHOWN).join("")}…"`;
}
