/**
 * One answer out of several models' answers. It is always an answer that one of them gave, whole, and never a mixture of
 * two. docs/explanation/panels.md says what each rule means for each kind of output.
 */

import { AnswerStatus } from "../../protocol/answer.ts";
import { toHex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { PanelRule, type OutputFormat, type Prompt } from "../../protocol/prompt.ts";
import { agreementKey, orderOf } from "./panel-comparison.ts";

/** Of a prompt: who has to agree, and on what. */
export type PanelTerms = Pick<Prompt, "panelRule" | "panelQuorum" | "format">;

/** What one member, or the panel, came to. */
export interface Outcome {
  readonly status: AnswerStatus;
  /** Empty unless the status is ok. */
  readonly output: Uint8Array;
  /** Why there is none, for a person; null when there is, or nothing is known but the status. */
  readonly reason: string | null;
}

export function without(status: AnswerStatus, reason: string | null = null): Outcome {
  return { status, output: new Uint8Array(), reason };
}

/**
 * Refuses a rule that has no meaning for a format, before anyone is asked.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function checkPanelRule({ panelRule, format }: Pick<Prompt, "panelRule" | "format">): void {
  if (panelRule !== PanelRule.median || orderOf(format) !== null) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "a median needs choices in order, or a tuple with a number",
  });
}

/**
 * Needs `panelQuorum` answers for any rule; members that refused, failed or made no sense gave none.
 *
 * - Majority: what more than half of the panel agree on, the silent members counted: a host that silences members can
 *   prevent a majority, and cannot make another one.
 * - Unanimous: what all who answered agree on.
 * - Median: the answer in the middle, the lower of two.
 *
 * Of answers that agree or rank the same, the one whose model stands first in the request is given.
 *
 * @param members in the order of `prompt.models`
 */
export function aggregatePanel(prompt: PanelTerms, members: readonly Outcome[]): Outcome {
  const answers = members.filter(({ status }) => status === AnswerStatus.ok);
  const failed = members.filter(({ status }) => status === AnswerStatus.upstreamFailed).length;
  if (answers.length < prompt.panelQuorum) {
    const status = failureOf(members, answers.length + failed >= prompt.panelQuorum);
    return without(
      status,
      because(`${answers.length} of the ${prompt.panelQuorum} answers that the panel needs`, members, status),
    );
  }
  switch (prompt.panelRule) {
    case PanelRule.median:
      return middle(prompt.format, answers);
    case PanelRule.majority:
      return agreed(prompt.format, members, { needed: Math.floor(members.length / 2) + 1, failed });
    default:
      // More answers would not make those agree that do not.
      return agreed(prompt.format, members, { needed: answers.length, failed: 0 });
  }
}

/**
 * Failures that a host can cause, by cutting members off, must never be paid as if the models had failed; those it cannot have
 * caused is the models' own.
 *
 * @param decisive whether the members that could not be reached would have changed the outcome
 */
function failureOf(members: readonly Outcome[], decisive: boolean): AnswerStatus {
  if (decisive) return AnswerStatus.upstreamFailed;
  const count = (wanted: AnswerStatus): number => members.filter(({ status }) => status === wanted).length;
  return count(AnswerStatus.invalidOutput) > count(AnswerStatus.refused)
    ? AnswerStatus.invalidOutput
    : AnswerStatus.refused;
}

/** Models that disagree have given no valid answer to the question as it was put. */
function agreed(
  format: OutputFormat,
  members: readonly Outcome[],
  { needed, failed }: { readonly needed: number; readonly failed: number },
): Outcome {
  const answers = members.filter(({ status }) => status === AnswerStatus.ok);
  const keys = answers.map(({ output }) => agreementKey(format, output));
  const votes = keys.map((key) => keys.filter((other) => other === key).length);
  const winner = answers[votes.findIndex((count) => count >= needed)];
  if (winner !== undefined) return winner;
  const decisive = Math.max(0, ...votes) + failed >= needed;
  const disagree = "the members of the panel do not agree";
  if (!decisive) return without(AnswerStatus.invalidOutput, disagree);
  const status = AnswerStatus.upstreamFailed;
  return without(status, because(`${disagree}, and who did not answer would decide`, members, status));
}

/** With the reason of the first member that ended so. */
function because(what: string, members: readonly Outcome[], status: AnswerStatus): string {
  const reason = members.find((member) => member.status === status)?.reason ?? null;
  return reason === null ? what : `${what}: ${reason}`;
}

function middle(format: OutputFormat, answers: readonly Outcome[]): Outcome {
  const rankOf = orderOf(format);
  if (rankOf === null) throw new Error(`no order: ${toHex(new Uint8Array([format.kind]))}`);
  // Sorting is stable: among equals, the order of the request stays.
  const sorted = answers
    .map((answer) => ({ answer, rank: rankOf(answer.output) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined) throw new Error("a quorum is at least one");
  return median.answer;
}
