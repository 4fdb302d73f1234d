/** A judgement, most important first: verdict, question and answer, chain, links, transcript, limits, policy. */

import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import type { PieceVerdict, Verdict } from "../../attestation/verdict/verdict.ts";
import type { Judgement } from "../judge/judgement.ts";
import { Head } from "../ui/frame.tsx";
import { AskedAnswered } from "./asked-answered.tsx";
import { BreakPanel } from "./break-panel.tsx";
import { chainOf, firstLink, isSimulated } from "./chain-view.ts";
import { Chain } from "./chain.tsx";
import { Limits } from "./limits.tsx";
import { Links } from "./links.tsx";
import { Pieces } from "./pieces.tsx";
import { PolicyEditor } from "./policy-editor.tsx";
import { PolicyPanel } from "./policy-panel.tsx";
import { saveText } from "./save-text.ts";
import { ReplayPanel } from "./replay-panel.tsx";
import { fileOfText, type Session } from "./session.ts";
import { Transcript } from "./transcript.tsx";
import { VerdictHead } from "./verdict-head.tsx";
import { WhenPanel } from "./when-panel.tsx";

export interface ResultProps {
  readonly session: Session;
  readonly judgement: Judgement;
  readonly verdict: Verdict;
  readonly heading: RefObject<HTMLHeadingElement | null>;
  readonly onChoose: () => void;
}

/** The piece that stands for the whole. */
function decisiveOf({ pieces, status }: Verdict): PieceVerdict {
  return pieces.find((piece) => piece.status === status) ?? pieces[0];
}

export function Result({ session, judgement, verdict, heading, onChoose }: ResultProps) {
  const [chosen, setChosen] = useState<PieceVerdict | null>(null);
  const piece = chosen !== null && verdict.pieces.includes(chosen) ? chosen : decisiveOf(verdict);
  const { receipt, policy, policyFault, proposal } = judgement;
  const links = chainOf(piece, receipt);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set([firstLink(piece)]));
  const open = (link: string): void => {
    setOpened(new Set([...opened, link]));
    requestAnimationFrame(() => document.getElementById(`k-${link}`)?.scrollIntoView({ block: "nearest" }));
  };
  const { ask } = session.judge;
  const makePolicy = (rules: readonly string[]): Promise<string> => ask({ ask: "makePolicy", rules });
  const editor = proposal !== null && policy === null && (
    <PolicyEditor
      key={judgement.subject?.name ?? ""}
      proposal={proposal}
      onChoose={onChoose}
      onExport={(rules) =>
        void makePolicy(rules).then((text) => {
          saveText("policy.json", text);
        })
      }
      onJudge={(rules) =>
        void makePolicy(rules).then((text) => session.add([fileOfText(text, "policy.json", "made here")]))
      }
    />
  );
  const isFault = piece.status === 1;
  const about = isFault ? "fault" : isSimulated(piece) ? "simulated" : "genuine";
  return (
    <>
      <div class="cols a">
        <VerdictHead judgement={judgement} verdict={verdict} piece={piece} heading={heading} />
        {isFault ? (
          <BreakPanel
            piece={piece}
            onSee={() => {
              open(firstLink(piece));
            }}
            onAnother={session.reset}
            report={() => JSON.stringify({ file: judgement.subject?.name, ...verdict }, null, 2)}
          />
        ) : receipt === null ? (
          editor
        ) : (
          <AskedAnswered receipt={receipt} />
        )}
      </div>
      {verdict.pieces.length > 1 && <Pieces pieces={verdict.pieces} shown={piece} onShow={setChosen} />}
      <section>
        <Head title="From hardware to provider">{explainChain(piece, receipt !== null)}</Head>
        <Chain links={links} onOpen={open} />
      </section>
      <div class="cols a below">
        <div class="pile">
          <Links
            links={links}
            open={opened}
            hasReceipt={receipt !== null}
            read={(part, from, count) => ask({ ask: "part", part, from, count })}
            onToggle={(link, isOpen) => {
              setOpened(new Set(isOpen ? [...opened, link] : [...opened].filter((other) => other !== link)));
            }}
          />
          {receipt !== null && receipt.isRun && !isFault && (
            <ReplayPanel key={receipt.requestId} readFile={() => ask({ ask: "file" })} />
          )}
          {receipt !== null && (
            <Transcript
              key={receipt.requestId}
              receipt={receipt}
              readEvents={(from, count) => ask({ ask: "events", from, count })}
              readBody={(hash, from, count) => ask({ ask: "body", hash, from, count })}
            />
          )}
        </div>
        <div class="pile">
          <Limits title={isFault ? "What this does not say" : "What this does not prove"} about={about} />
          {receipt !== null && editor}
          <PolicyPanel
            policy={policy}
            fault={policyFault}
            onChoose={onChoose}
            onForget={() => void session.forgetPolicy()}
            onExport={() => {
              exportPolicy(session, judgement);
            }}
          />
          {receipt === null && (
            <WhenPanel time={session.time} onTime={(time) => void session.setTime(time)} />
          )}
        </div>
      </div>
    </>
  );
}

function explainChain({ status }: PieceVerdict, hasReceipt: boolean): string {
  if (status === 1)
    return "A red line is a comparison that fails. What does not depend on it was checked all the same.";
  if (!hasReceipt)
    return "This file is evidence only: the chain ends after it. Drop a receipt to see the rest.";
  return "Each line is a comparison that holds. The last is dashed: it is the enclave’s word.";
}

function exportPolicy({ files }: Session, { policy }: Judgement): void {
  const file = files.findLast(({ name }) => name === policy?.name);
  if (file !== undefined) saveText("policy.json", new TextDecoder().decode(file.bytes));
}
