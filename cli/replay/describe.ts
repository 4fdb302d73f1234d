/** What `adyton replay` prints of a verdict. */

import type { ReplayVerdict } from "./replay-file.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { printableLine } from "../terminal.ts";

/** Characters of a text that a person compares. */
const MAX_SHOWN = 2_000;

export function describeVerdict(verdict: ReplayVerdict): string {
  switch (verdict.verdict) {
    case "equal":
      if ("reads" in verdict) {
        return lines(
          "equal: each value of a contract follows from its proof, and the models were told it",
          ...verdict.reads.map(({ part, label, value }) => `part ${part + 1}   ${label}: ${shown(value)}`),
          `time     ${verdict.ms} ms`,
        );
      }
      return lines(
        "equal: the same calls, results, gas and output",
        `program  ${verdict.program}`,
        `outcome  ${verdict.outcome} (${answerStatusName(verdict.status) ?? String(verdict.status)})`,
        `calls    ${verdict.calls}`,
        `gas      ${verdict.gas}`,
        `output   ${shown(verdict.output)}`,
        `time     ${verdict.ms} ms`,
      );
    case "diverged": {
      const { at, call, expected, actual } = verdict.divergence;
      return lines(
        `different: ${at}${call === null ? "" : ` of call ${call}`}`,
        `recorded  ${shown(expected)}`,
        `replayed  ${shown(actual)}`,
      );
    }
    case "notReplayable":
      return lines(`cannot replay: ${verdict.message} [${verdict.because}]`);
    case "notGenuine":
    case "cannotJudge":
      return lines(
        `${verdict.verdict === "notGenuine" ? "not genuine" : "cannot judge"}: ${verdict.message} [${verdict.code}, ${String(verdict.check)}]`,
      );
  }
}

/** Whole, or its beginning; what a program, a model or a file said is told by `lines` and obeyed by nobody. */
function shown(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)`;
}

function lines(...texts: readonly string[]): string {
  return `${texts.map(printableLine).join("\n")}\n`;
}
