/** The Verify document: it judges what it is given, in this tab, and has no permission to send anything. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Frame, Head } from "../ui/frame.tsx";
import { Mark } from "../ui/mark.tsx";
import { WithDigests } from "../ui/hex.tsx";
import { DropArea, FileInput } from "./drop-area.tsx";
import { readFragment } from "./fragment.ts";
import { WhatAResultSays } from "./introduction.tsx";
import { KeyList, useKeys } from "./keys.tsx";
import { Limits } from "./limits.tsx";
import { PastePanel } from "./paste-panel.tsx";
import { PolicyPanel } from "./policy-panel.tsx";
import { Result } from "./result.tsx";
import { fileOfText, useSession, type Session } from "./session.ts";

/** Milliseconds of judging before the page says so: a flash would only disturb. */
const PATIENCE_MS = 300;

export function App() {
  const session = useSession();
  const { judgement, isJudging, problem } = session;
  const input = useRef<HTMLInputElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [isPasting, setPasting] = useState(false);
  const [isListing, setListing] = useState(false);
  const isOver = useDrops(session);
  const isSlow = useSlow(isJudging);
  useFragment(session);
  const choose = (): void => input.current?.click();
  const paste = (): void => {
    setPasting(true);
  };
  useKeys({
    open: choose,
    paste,
    move: moveBetweenLinks,
    list: () => {
      setListing(!isListing);
    },
  });
  useEffect(() => {
    if (judgement !== null) heading.current?.focus();
  }, [judgement]);
  const verdict = judgement?.verdict ?? null;
  return (
    <Frame page="Verify" end={<span>Sends nothing, loads nothing</span>}>
      <FileInput input={input} onFiles={(files) => void session.addFiles(files)} />
      <p class="vh" role="status" data-judged={session.answered}>
        {announcement(session)}
      </p>
      {isPasting && (
        <PastePanel
          onClose={() => {
            setPasting(false);
          }}
          onText={(text) => {
            setPasting(false);
            void session.add([fileOfText(text, "pasted text", "pasted")]);
          }}
        />
      )}
      {isListing && (
        <KeyList
          onClose={() => {
            setListing(false);
          }}
        />
      )}
      {problem !== null && <Problem text={problem} />}
      {isSlow ? (
        <Judging />
      ) : judgement === null || verdict === null ? (
        <Start session={session} isOver={isOver} choose={choose} paste={paste} />
      ) : (
        <>
          <Result
            key={judgement.files.map(({ name, size }) => `${name} ${size}`).join()}
            session={session}
            judgement={judgement}
            verdict={verdict}
            heading={heading}
            onChoose={choose}
          />
          <div class="row after">
            <button class="btn" type="button" onClick={choose}>
              Add a file…
            </button>
            <button class="btn bare" type="button" onClick={session.reset}>
              Verify another
            </button>
          </div>
        </>
      )}
    </Frame>
  );
}

interface StartProps {
  readonly session: Session;
  readonly isOver: boolean;
  readonly choose: () => void;
  readonly paste: () => void;
}

function Start({ session, isOver, choose, paste }: StartProps) {
  const { judgement } = session;
  return (
    <>
      {judgement?.subject === null && judgement.files.some(({ role }) => role === "nothing") && (
        <NothingRecognised />
      )}
      {judgement !== null && judgement.files.some(({ role }) => role !== "nothing") && (
        <Waiting session={session} />
      )}
      <DropArea isOver={isOver} onChoose={choose} onPaste={paste} onDemo={() => void addDemo(session)} />
      <div class="cols a below">
        <WhatAResultSays />
        <PolicyPanel
          policy={judgement?.policy ?? null}
          fault={judgement?.policyFault ?? null}
          onChoose={choose}
          onForget={() => void session.forgetPolicy()}
          onExport={() => undefined}
        />
      </div>
      <Limits title="What no result proves" about="nothing yet" />
    </>
  );
}

function NothingRecognised() {
  return (
    <div class="verdict lead-in">
      <h2 class="headline">
        <Mark name="dotted" tone="off" />
        <span>Nothing recognised here.</span>
      </h2>
      <p class="because">No receipt, evidence, policy or endorsement is in this file.</p>
    </div>
  );
}

/** Endorsements or a policy, and nothing yet that they speak of. */
function Waiting({ session: { judgement, reset } }: { readonly session: Session }) {
  const files = judgement?.files.filter(({ role }) => role !== "nothing") ?? [];
  return (
    <section class="lead-in">
      <Head title="Kept">drop a receipt or evidence to judge it with these</Head>
      <ul class="says">
        {files.map(({ name, size, role }) => (
          <li key={name}>
            <Mark name="dash" tone="open" />
            <span>
              <strong>
                <WithDigests text={name} />
              </strong>{" "}
              {`${role}, ${size.toLocaleString("en")} bytes`}
            </span>
          </li>
        ))}
      </ul>
      <button class="btn bare" type="button" onClick={reset}>
        Start again
      </button>
    </section>
  );
}

function Problem({ text }: { readonly text: string }) {
  return (
    <p class="caution bad lead-in" role="alert">
      <WithDigests text={text} />
    </p>
  );
}

function Judging() {
  return (
    <div class="verdict">
      <h1>
        <Mark name="half" tone="act" />
        <span>Judging it now.</span>
      </h1>
      <p class="because">In this tab. Nothing is sent.</p>
    </div>
  );
}

function announcement({ judgement, isJudging }: Session): string {
  if (isJudging || judgement === null) return "";
  const { verdict } = judgement;
  if (verdict === null) return judgement.subject === null ? "Nothing to judge yet." : "";
  const failing = verdict.pieces.flatMap(({ checks }) => checks).find(({ state }) => state === "fails");
  return `${verdict.headline}${verdict.status === 1 && failing !== undefined ? ` It fails at ${failing.link}.` : ""}`;
}

/** The whole window takes drops, and pastes outside of fields. */
function useDrops(session: Session): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent): void => {
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      void session.addFiles([...(event.dataTransfer?.files ?? [])]);
    };
    const paste = (event: ClipboardEvent): void => {
      if (event.target instanceof HTMLElement && event.target.matches("input, textarea")) return;
      const files = [...(event.clipboardData?.files ?? [])];
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (files.length > 0) void session.addFiles(files);
      else if (text !== "") void session.add([fileOfText(text, "pasted text", "pasted")]);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  });
  return isOver;
}

function useSlow(isJudging: boolean): boolean {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    if (!isJudging) {
      setSlow(false);
      return;
    }
    const timer = setTimeout(() => {
      setSlow(true);
    }, PATIENCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [isJudging]);
  return isSlow;
}

/** What a link carries is judged when the page opens, and again when the link changes. */
function useFragment(session: Session): void {
  const latest = useRef(session);
  latest.current = session;
  useEffect(() => {
    const look = (): void => {
      readFragment(location.hash).then(
        (files) => {
          if (files.length > 0) void latest.current.add(files);
        },
        () => {
          latest.current.fail(
            "What this link carries behind # cannot be read: it was cut or changed on the way.",
          );
        },
      );
    };
    look();
    addEventListener("hashchange", look);
    return () => {
      removeEventListener("hashchange", look);
    };
  }, []);
}

async function addDemo(session: Session): Promise<void> {
  const { DEMO_RECEIPT } = await import("./demo-receipt.ts");
  await session.add([fileOfText(DEMO_RECEIPT, "the demo’s receipt", "link")]);
}

function moveBetweenLinks(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>(".chain .what")];
  const at = links.findIndex((link) => link === document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}
