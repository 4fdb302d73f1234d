/** Each link, openable: its checks, and the bytes behind them. */

import { useState } from "preact/hooks";
import type { VerdictCheck } from "../../attestation/verdict/verdict.ts";
import type { Part, TextSlice } from "../judge/judgement.ts";
import { Head } from "../ui/frame.tsx";
import { WithDigests } from "../ui/hex.tsx";
import { Mark, State, type MarkName, type Tone } from "../ui/mark.tsx";
import { Slices } from "../ui/slices.tsx";
import type { LinkView } from "./chain-view.ts";

export interface LinksProps {
  readonly links: readonly LinkView[];
  readonly open: ReadonlySet<string>;
  readonly onToggle: (link: string, isOpen: boolean) => void;
  readonly read: (part: Part, from: number, count: number) => Promise<TextSlice>;
  readonly hasReceipt: boolean;
}

export function Links({ links, ...others }: LinksProps) {
  const failing = links.filter(({ isFailing }) => isFailing);
  const ordered = [...failing, ...links.filter(({ isFailing, checks }) => !isFailing && checks.length > 0)];
  return (
    <section>
      <Head title="Links">{summary(links)}</Head>
      <div class="links">
        {ordered.map((view) => (
          <LinkDetails key={view.link} view={view} {...others} />
        ))}
      </div>
    </section>
  );
}

function summary(links: readonly LinkView[]): string {
  const checks = links.flatMap((link) => link.checks);
  const of = (state: VerdictCheck["state"]): number => checks.filter((check) => check.state === state).length;
  const parts = [
    [of("holds"), "hold"],
    [of("fails"), of("fails") === 1 ? "fails" : "fail"],
    [of("left open"), "left open"],
    [of("not reached"), "not reached"],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return `${checks.length} checks: ${said.join(", ")}`;
}

type LinkDetailsProps = Omit<LinksProps, "links"> & { readonly view: LinkView };

function LinkDetails({ view, open, onToggle, read, hasReceipt }: LinkDetailsProps) {
  const { link, mark, tone, title, says, count, checks, isFailing } = view;
  const isOpen = open.has(link);
  return (
    <details
      id={`k-${link}`}
      class={isFailing ? "failing" : ""}
      open={isOpen}
      onToggle={({ currentTarget }) => {
        onToggle(link, currentTarget.open);
      }}
    >
      <summary>
        <span class={`s-${tone}`}>
          <Mark name={mark} />
        </span>
        <h3>{title}</h3>
        <span>{says}</span>
        <span class="cnt">{count}</span>
      </summary>
      {isOpen && (
        <div class="in">
          <Checks checks={checks} />
          {partsOf(link, hasReceipt).map(([part, name]) => (
            <Bytes key={part} name={name} read={(from, size) => read(part, from, size)} />
          ))}
        </div>
      )}
    </details>
  );
}

function partsOf(link: string, hasReceipt: boolean): readonly (readonly [Part, string])[] {
  if (link === "hardware" || link === "evidence") return [["evidence", "The evidence’s bytes, in hex"]];
  if (!hasReceipt) return [];
  if (link === "keyset") {
    return [
      ["claims", "Claims that the evidence commits to"],
      ["keyset", "The keyset"],
    ];
  }
  if (link !== "answer") return [];
  return [
    ["payload", "Payload, in hex"],
    ["output", "Output, in hex"],
    ["signature", "Signature, in hex"],
  ];
}

const STATE_MARKS: Readonly<Record<VerdictCheck["state"], readonly [MarkName, Tone]>> = {
  holds: ["tick", "holds"],
  fails: ["cross", "fails"],
  "left open": ["dash", "open"],
  "as seen": ["dash", "open"],
  "on its word": ["word", "off"],
  "not reached": ["dotted", "off"],
};

export function Checks({ checks }: { readonly checks: readonly VerdictCheck[] }) {
  const open = checks.filter(({ state }) => state === "left open");
  const others = checks.filter(({ state }) => state !== "left open");
  return (
    <table class="checks stack">
      <thead>
        <tr>
          <th>Check</th>
          <th>What was compared</th>
          <th>Result</th>
        </tr>
      </thead>
      <tbody>
        {others.map((check, index) => (
          <CheckRow key={`${check.name} ${index}`} check={check} />
        ))}
        {open.length > 0 && <OpenRow checks={open} />}
      </tbody>
    </table>
  );
}

const OF_THE_POLICY = "policy: ";

function CheckRow({ check }: { readonly check: VerdictCheck }) {
  const { name, state, compared, detail, expected, found } = check;
  const [mark, tone] = STATE_MARKS[state];
  const isRule = name.startsWith(OF_THE_POLICY);
  return (
    <tr>
      <td>
        <WithDigests text={isRule ? name.slice(OF_THE_POLICY.length) : name} />
      </td>
      <td class="w">
        <WithDigests text={isRule && state === "holds" ? `${detail}, which the policy lists` : detail} />
        {compared !== "" && !isRule && <span class="muted compared">{compared}</span>}
        {state === "fails" && expected !== null && found !== null && (
          <Compared expected={expected} found={found} />
        )}
      </td>
      <td>
        <State mark={mark} tone={tone}>
          {state}
        </State>
      </td>
    </tr>
  );
}

/** Rules that accept anything, together. */
function OpenRow({ checks }: { readonly checks: readonly VerdictCheck[] }) {
  return (
    <tr>
      <td class="w" colSpan={2}>
        {checks.map(({ name }) => name.replace(OF_THE_POLICY, "")).join(", ")}
        <span class="muted compared">anything is accepted</span>
      </td>
      <td>
        <State mark="dash" tone="open">
          left open
        </State>
      </td>
    </tr>
  );
}

/** Both in full, one above the other. */
export function Compared({ expected, found }: { readonly expected: string; readonly found: string }) {
  return (
    <div class="cmp">
      <div>
        <span class="muted">Expected</span>
        <code class="isolated">{expected}</code>
      </div>
      <div>
        <span class="muted">Found</span>
        <code class="isolated s-fails">{found}</code>
      </div>
    </div>
  );
}

interface BytesProps {
  readonly name: string;
  readonly read: (from: number, count: number) => Promise<TextSlice>;
}

function Bytes({ name, read }: BytesProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      class="raw"
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open);
      }}
    >
      <summary>{name}</summary>
      {isOpen && <Slices read={read} label={name} />}
    </details>
  );
}
