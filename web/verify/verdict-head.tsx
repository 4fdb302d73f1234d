/** The verdict in three words, the sentence under it, and the questions that each verdict answers. */

import type { RefObject } from "preact";
import type { PieceVerdict, Verdict } from "../../attestation/verdict/verdict.ts";
import type { Judgement } from "../judge/judgement.ts";
import { WithDigests } from "../ui/hex.tsx";
import { Mark, type MarkName, type Tone } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { isSimulated, MARKS } from "./chain-view.ts";
import { shortTitle } from "./titles.ts";

export interface VerdictHeadProps {
  readonly judgement: Judgement;
  readonly verdict: Verdict;
  readonly piece: PieceVerdict;
  readonly heading: RefObject<HTMLHeadingElement | null>;
}

export function VerdictHead({ judgement, verdict, piece, heading }: VerdictHeadProps) {
  const { subject, judgedAt } = judgement;
  const [mark, tone] = MARKS[piece.outcome];
  const withEndorsements = judgement.files.some(({ role }) => role === "endorsements");
  return (
    <div class="verdict">
      <p class="file">
        <span class="mono isolated">
          <Odd text={subject?.name ?? ""} />
        </span>
        <span>{`${(subject?.size ?? 0).toLocaleString("en")} bytes`}</span>
        {subject?.role === "evidence" && (
          <span>{`${shortTitle(piece.kind)}${withEndorsements ? " with endorsements" : ""}`}</span>
        )}
        {judgedAt !== null && <span>{judgedWhen(judgedAt)}</span>}
      </p>
      <h1 ref={heading} tabIndex={-1}>
        <Mark name={mark} tone={tone} />
        <span>{verdict.headline}</span>
      </h1>
      <p class="because">
        <WithDigests text={verdict.sentence} />
      </p>
      {piece.caution !== null && (
        <p class="caution">
          {piece.caution}
          {piece.advisories.length > 0 && ` Advisories: ${piece.advisories.join(", ")}.`}
        </p>
      )}
      <Answers judgement={judgement} piece={piece} />
    </div>
  );
}

const WHOSE = { "its own": "its own time", now: "now, by your clock", yours: "which you set" } as const;

export function judgedWhen({ time, whose }: NonNullable<Judgement["judgedAt"]>): string {
  return `judged as of ${utc(time)}, ${WHOSE[whose]}`;
}

export function utc(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function Answers({ judgement, piece }: { readonly judgement: Judgement; readonly piece: PieceVerdict }) {
  return (
    <dl class="three">
      {piece.answers.map(({ question, answer }) => {
        const [mark, tone] = markOf(question, answer, piece);
        return (
          <div key={question}>
            <dt>
              <span class={`s-${tone}`}>
                <Mark name={mark} />
              </span>
              {question}
            </dt>
            <dd>
              {answer}
              {question === "Accepted?" && answer.startsWith("Yes") && judgement.policy !== null && (
                <>
                  {" "}
                  <span class="mono isolated">
                    <Odd text={judgement.policy.name} />
                  </span>
                </>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function markOf(question: string, answer: string, piece: PieceVerdict): readonly [MarkName, Tone] {
  if (question === "Genuine hardware?" && isSimulated(piece) && answer.startsWith("No:"))
    return ["simulated", "warn"];
  if (answer.startsWith("Yes"))
    return ["tick", piece.outcome === "acceptedByOperator" && question === "Accepted?" ? "open" : "holds"];
  if (answer.startsWith("Not judged")) return ["dotted", "off"];
  if (answer.startsWith("Not")) return ["dash", "open"];
  return ["cross", piece.outcome === "refused" ? "warn" : "fails"];
}
