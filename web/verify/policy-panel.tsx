/** The policy in sentences, and whose it is. Without one nothing is accepted. */

import type { ComponentChildren } from "preact";
import type { Origin, PolicyView } from "../judge/judgement.ts";
import { Head } from "../ui/frame.tsx";
import { WithDigests } from "../ui/hex.tsx";
import { State } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { shortTitle } from "./titles.ts";

const ORIGINS: Readonly<Record<Origin, string>> = {
  disk: "from your disk",
  pasted: "which you pasted",
  link: "from the link that you followed",
  "made here": "made here",
  operator: "the operator’s: they chose what it accepts",
};

export interface PolicyPanelProps {
  readonly policy: PolicyView | null;
  readonly fault: string | null;
  readonly onChoose: () => void;
  readonly onForget: () => void;
  readonly onExport: () => void;
}

export function PolicyPanel({ policy, fault, onChoose, onForget, onExport }: PolicyPanelProps) {
  return (
    <section id="policy">
      <Head title={policy?.origin === "operator" ? "The operator’s policy" : "Your policy"}>
        {policy === null ? "none chosen" : <PolicyName policy={policy} />}
      </Head>
      {fault !== null && (
        <p class="caution bad" role="alert">
          This file is no policy, and nothing is accepted by it. <WithDigests text={fault} />
        </p>
      )}
      {policy === null ? (
        <p class="muted said">
          Anyone can rent genuine hardware and run anything on it. A policy says which program, which security
          level and which machines <strong>you</strong> accept. Drop yours, or make one from what the evidence
          shows.
        </p>
      ) : (
        <Sentences policy={policy} />
      )}
      <div class="row spaced">
        <button class="btn" type="button" onClick={onChoose}>
          Choose policy…
        </button>
        {policy !== null && (
          <>
            <button class="btn" type="button" onClick={onForget}>
              Judge without it
            </button>
            <button class="btn bare" type="button" onClick={onExport}>
              Export JSON
            </button>
          </>
        )}
      </div>
    </section>
  );
}

function PolicyName({ policy: { name, origin } }: { readonly policy: PolicyView }) {
  return (
    <>
      <span class="mono isolated">
        <Odd text={name} />
      </span>
      {`, ${ORIGINS[origin]}`}
    </>
  );
}

function Sentences({ policy: { explained } }: { readonly policy: PolicyView }) {
  const { accepted, refused, pieces } = explained;
  return (
    <ul class="says">
      <Sentence
        strong={
          accepted.length === 0
            ? "Accepts nothing."
            : `Accepts ${list(accepted.map(({ kind }) => shortTitle(kind)))}.`
        }
      >
        {refused.length > 0 && `Refuses ${list(refused.map(shortTitle))}.`}
      </Sentence>
      {accepted.flatMap(({ kind, demands }) =>
        demands.map((demand) => <Sentence key={`${kind} ${demand}`} text={demand} />),
      )}
      {accepted.map(({ kind, open }) => open.length > 0 && <Open key={kind} open={open} />)}
      <Sentence>{pieces}</Sentence>
    </ul>
  );
}

interface SentenceProps {
  readonly strong?: string;
  readonly text?: string;
  readonly children?: ComponentChildren;
}

function Sentence({ strong, text, children }: SentenceProps) {
  return (
    <li>
      <State mark="tick" tone="open" />
      <span>
        {strong !== undefined && <strong>{strong} </strong>}
        {text !== undefined && <WithDigests text={text} />}
        {children}
      </span>
    </li>
  );
}

function Open({ open }: { readonly open: readonly string[] }) {
  return (
    <li>
      <State mark="dash" tone="open" />
      <span>
        <strong>Left open:</strong> {open.join(", ")}.
      </span>
    </li>
  );
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}
