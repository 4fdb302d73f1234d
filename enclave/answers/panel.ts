/** One answer out of several models' answers. It is always an answer that one of them gave, never a mixture of two. */

import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, fromUtf8, toHex } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { decodeOutput, encodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType, type OutputType } from "../../protocol/output-type.ts";
import { OutputKind, PanelRule, type OutputFormat, type Prompt } from "../../protocol/prompt.ts";

/** What one member, or the panel, came to. */
export interface Outcome {
  readonly status: AnswerStatus;
  /** Empty unless the status is ok. */
  readonly output: Uint8Array;
}

export function without(status: AnswerStatus): Outcome {
  return { status, output: new Uint8Array() };
}

/**
 * Refuses a rule that has no meaning for a format, before anyone is asked.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function checkPanelRule({ panelRule, format }: Prompt): void {
  if (panelRule !== PanelRule.median || orderOf(format) !== null) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "a median needs choices in order, or a tuple with an integer",
  });
}

/**
 * Majority: what more than half of the members with an answer agree on. Unanimous: what all of those agree on. Median:
 * the answer in the middle (the lower of two) by the first integer of the tuple, or by the position of the choice.
 *
 * Strings are not compared where a tuple has anything else: reasons differ among models that agree. Members that gave no
 * answer do not count, as long as `panelQuorum` of them gave one.
 */
export function aggregatePanel(prompt: Prompt, members: readonly Outcome[]): Outcome {
  const answers = members.filter(({ status }) => status === AnswerStatus.ok);
  if (answers.length < prompt.panelQuorum || answers.length === 0) return without(failureOf(members));
  switch (prompt.panelRule) {
    case PanelRule.median:
      return middle(prompt.format, answers);
    case PanelRule.majority:
      return agreed(prompt.format, answers, Math.floor(answers.length / 2) + 1);
    default:
      return agreed(prompt.format, answers, answers.length);
  }
}

/** A failure that a host can cause is named first: it must never be paid as if the models had failed. */
function failureOf(members: readonly Outcome[]): AnswerStatus {
  const statuses = new Set(members.map(({ status }) => status));
  if (statuses.has(AnswerStatus.upstreamFailed)) return AnswerStatus.upstreamFailed;
  if (statuses.has(AnswerStatus.invalidOutput)) return AnswerStatus.invalidOutput;
  return AnswerStatus.refused;
}

/** Models that disagree have given no valid answer to the question as it was put. */
function agreed(format: OutputFormat, answers: readonly Outcome[], needed: number): Outcome {
  const keys = answers.map(({ output }) => comparable(format, output));
  const at = keys.findIndex((key) => keys.filter((other) => other === key).length >= needed);
  return answers[at] ?? without(AnswerStatus.invalidOutput);
}

function middle(format: OutputFormat, answers: readonly Outcome[]): Outcome {
  const order = orderOf(format);
  if (order === null) return without(AnswerStatus.invalidOutput);
  const sorted = answers
    .map((answer) => ({ answer, rank: order(answer.output) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  return sorted[Math.floor((sorted.length - 1) / 2)]?.answer ?? without(AnswerStatus.invalidOutput);
}

/** Equal for outputs that agree. */
function comparable(format: OutputFormat, output: Uint8Array): string {
  switch (format.kind) {
    case OutputKind.json:
      return toHex(encodeCanonicalJson(JSON.parse(fromUtf8(output)) as Json));
    case OutputKind.abi:
      return comparableTuple(parseOutputType(format.schema), output);
    case OutputKind.text:
    case OutputKind.choice:
      return toHex(output);
  }
}

function comparableTuple(type: OutputType, output: Uint8Array): string {
  const values = decodeOutput(type, output);
  const kept = type.fields
    .map((field, index) => ({ field, value: values[index] }))
    .filter(({ field, value }) => field.base.kind !== "string" && value !== undefined);
  if (kept.length === 0) return toHex(output);
  const fields = kept.map(({ field }) => field);
  return toHex(
    encodeOutput(
      { fields },
      kept.map(({ value }) => value).filter((value) => value !== undefined),
    ),
  );
}

/** How outputs of a format are ordered; null where they are not. */
function orderOf(format: OutputFormat): ((output: Uint8Array) => bigint) | null {
  if (format.kind === OutputKind.choice) return (output) => BigInt(toHex(output));
  if (format.kind !== OutputKind.abi) return null;
  const type = parseOutputType(format.schema);
  const at = type.fields.findIndex(({ base, arrays }) => base.kind === "integer" && arrays.length === 0);
  if (at < 0) return null;
  return (output) => {
    const value = decodeOutput(type, fromHex(toHex(output)))[at];
    return typeof value === "bigint" ? value : 0n;
  };
}
