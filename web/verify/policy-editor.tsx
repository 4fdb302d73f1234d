/** A policy made of what is here: the reader ticks what they accept. Rules that decide trust are never ticked beforehand. */

import { useState } from "preact/hooks";
import type { Proposal, ProposalRow } from "../judge/judgement.ts";
import { Head } from "../ui/frame.tsx";
import { WithDigests } from "../ui/hex.tsx";

const ORDER: readonly ProposalRow["concerns"][] = ["status", "program", "chip", "other"];

export interface PolicyEditorProps {
  readonly proposal: Proposal;
  readonly onJudge: (rules: readonly string[]) => void;
  readonly onExport: (rules: readonly string[]) => void;
  readonly onChoose: () => void;
}

const idOf = ({ kind, rule }: ProposalRow): string => `${kind}.${rule}`;

export function PolicyEditor({ proposal, onJudge, onExport, onChoose }: PolicyEditorProps) {
  const rows = proposal.rows.toSorted((a, b) => ORDER.indexOf(a.concerns) - ORDER.indexOf(b.concerns));
  const [ticked, setTicked] = useState<ReadonlySet<string>>(
    () => new Set(rows.filter(({ concerns }) => concerns === "other").map(idOf)),
  );
  const missing = missingIn(rows, ticked);
  const toggle = (id: string): void => {
    setTicked(new Set(ticked.has(id) ? [...ticked].filter((other) => other !== id) : [...ticked, id]));
  };
  return (
    <section id="accept">
      <Head title="Say what you accept">from what is here</Head>
      <table class="editor">
        <tbody>
          {rows.map((row) => (
            <EditorRow key={idOf(row)} row={row} isTicked={ticked.has(idOf(row))} onToggle={toggle} />
          ))}
        </tbody>
      </table>
      <div class="row spaced">
        <button
          class="btn main"
          type="button"
          disabled={missing.length > 0}
          onClick={() => {
            onJudge([...ticked]);
          }}
        >
          Judge with these
        </button>
        <button class="btn" type="button" onClick={onChoose}>
          Choose policy…
        </button>
        <button
          class="btn bare"
          type="button"
          disabled={missing.length > 0}
          onClick={() => {
            onExport([...ticked]);
          }}
        >
          Export JSON
        </button>
      </div>
      <p class="small faint">
        {`${ticked.size} of ${rows.length} ticked. `}
        {missing.length > 0 ? `Judging needs ${missing.join(" and ")}.` : "What is not ticked is left open."}
      </p>
    </section>
  );
}

interface EditorRowProps {
  readonly row: ProposalRow;
  readonly isTicked: boolean;
  readonly onToggle: (id: string) => void;
}

function EditorRow({ row, isTicked, onToggle }: EditorRowProps) {
  const { kind, rule, says, means } = row;
  return (
    <tr>
      <td class="tick">
        <input
          type="checkbox"
          id={`accept-${kind}-${rule}`}
          checked={isTicked}
          onChange={() => {
            onToggle(idOf(row));
          }}
        />
      </td>
      <td>
        <label for={`accept-${kind}-${rule}`}>{rule}</label>
      </td>
      <td class="w">
        <WithDigests text={says} />
        {means !== "" && <span class="muted means">{means}</span>}
      </td>
    </tr>
  );
}

/** A policy without a program accepts anything that runs there; what cannot be left open has to be said. */
function missingIn(rows: readonly ProposalRow[], ticked: ReadonlySet<string>): readonly string[] {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const lacksProgram = kinds.some((kind) => {
    const programs = rows.filter((row) => row.kind === kind && row.concerns === "program");
    return programs.length > 0 && !programs.some((row) => ticked.has(idOf(row)));
  });
  const needed = rows.filter((row) => row.isNeeded && !ticked.has(idOf(row))).map(({ rule }) => rule);
  return [...(lacksProgram ? ["a program"] : []), ...needed];
}
