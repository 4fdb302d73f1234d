/** A verdict as six links and the lines between them. Pure: what is drawn is decided here, and drawn elsewhere. */

import type { PieceVerdict, VerdictCheck } from "../../attestation/verdict/verdict.ts";
import type { Link } from "../../attestation/evidence/verified-evidence.ts";
import type { Outcome } from "../../attestation/verdict/words.ts";
import type { ReceiptView } from "../../attestation/verdict/receipt-view.ts";
import { shortHex } from "../ui/short-hex.ts";
import type { MarkName, Tone } from "../ui/mark.tsx";
import { shortTitle } from "./titles.ts";

export const LINKS: readonly Link[] = ["hardware", "evidence", "keyset", "answer", "transcript", "provider"];

export interface LinkView {
  readonly link: Link;
  readonly title: string;
  readonly mark: MarkName;
  readonly tone: Tone;
  /** What the mark says, for who does not see it. */
  readonly word: string;
  readonly says: string;
  readonly rests: string;
  readonly checks: readonly VerdictCheck[];
  readonly count: string;
  readonly isFailing: boolean;
  /** The line to the next link; null after the last. */
  readonly wire: Wire | null;
}

export interface Wire {
  readonly kind: "compared" | "word" | "none" | "broken";
  readonly tone: Tone;
  readonly word: string;
  readonly says: string;
  readonly values: readonly string[];
}

export const MARKS: Readonly<Record<Outcome, readonly [MarkName, Tone]>> = {
  accepted: ["accepted", "holds"],
  acceptedSimulated: ["simulatedAccepted", "warn"],
  acceptedByOperator: ["operator", "ink"],
  notAppraised: ["genuine", "open"],
  simulatedNotAppraised: ["simulated", "warn"],
  refused: ["refused", "warn"],
  cannotJudge: ["question", "unknown"],
  altered: ["broken", "fails"],
  forged: ["broken", "fails"],
  revoked: ["broken", "fails"],
};

const MARK_WORDS: Readonly<Partial<Record<MarkName, string>>> = {
  accepted: "genuine, accepted",
  simulatedAccepted: "simulated, accepted",
  operator: "accepted by the operator's policy",
  genuine: "genuine, not appraised",
  simulated: "simulated, not appraised",
  refused: "genuine, refused",
  question: "cannot be judged",
  broken: "fails",
  tick: "holds",
  dotted: "not reached",
  word: "on the enclave's word",
};

export function chainOf(piece: PieceVerdict, receipt: ReceiptView | null): readonly LinkView[] {
  return LINKS.map((link, index) => {
    const checks = piece.checks.filter((check) => check.link === link);
    const [mark, tone] = markOf(link, checks, piece);
    return {
      link,
      title: `${link[0]?.toUpperCase() ?? ""}${link.slice(1)}`,
      mark,
      tone,
      word: MARK_WORDS[mark] ?? "",
      says: sayOf(link, { piece, receipt, checks }),
      rests: checks.length === 0 ? "nothing yet" : RESTS[link](piece),
      checks,
      count: countOf(checks),
      isFailing: piece.status === 1 && checks.some(({ state }) => state === "fails"),
      wire: index === LINKS.length - 1 ? null : wireOf(WIRES[index] as WireRule, { piece, receipt }),
    };
  });
}

/** Nothing outranks the link that it hangs from: a square says at most what the whole says. */
function markOf(
  link: Link,
  checks: readonly VerdictCheck[],
  { outcome, status }: PieceVerdict,
): readonly [MarkName, Tone] {
  if (checks.length === 0) return ["dotted", "off"];
  if (checks.some(({ state }) => state === "fails") && (status === 1 || link !== "evidence"))
    return status === 3 ? ["question", "unknown"] : ["broken", "fails"];
  if (link === "provider") return ["word", "off"];
  if (status === 1 || status === 3) return markOfUnjudged(checks);
  if (outcome === "refused" && link !== "evidence") return ["genuine", link === "hardware" ? "open" : "warn"];
  return MARKS[outcome];
}

function markOfUnjudged(checks: readonly VerdictCheck[]): readonly [MarkName, Tone] {
  if (checks.every(({ state }) => state === "not reached")) return ["dotted", "off"];
  if (checks.some(({ state }) => state === "not reached" || state === "fails"))
    return ["question", "unknown"];
  return ["tick", "open"];
}

interface SayContext {
  readonly piece: PieceVerdict;
  readonly receipt: ReceiptView | null;
  readonly checks: readonly VerdictCheck[];
}

function sayOf(link: Link, { piece, receipt, checks }: SayContext): string {
  if (checks.length === 0) return receipt === null ? "Not in this file" : "Not judged";
  const failing = checks.find(({ state }) => state === "fails");
  if (failing !== undefined) return `${failing.name} does not hold`;
  if (checks.every(({ state }) => state === "not reached")) return "Not judged";
  switch (link) {
    case "hardware":
      return hardwareWords(piece, receipt);
    case "evidence":
      return EVIDENCE_WORDS[piece.outcome] ?? `${checks.length} checks hold`;
    case "keyset":
      return receipt === null ? "Named by the claims" : `Signs as ${shortHex(receipt.signer)}`;
    case "answer":
      return receipt === null
        ? "Signed by the twin"
        : `${receipt.status}, ${receipt.outputBytes.toLocaleString("en")} bytes, to this request`;
    case "transcript":
      return receipt === null
        ? ""
        : `${receipt.eventCount.toLocaleString("en")} events, ${receipt.withheld} withheld`;
    case "provider":
      return receipt?.provider ?? "No exchange with a model is shown";
  }
}

function hardwareWords({ kind, tcbStatus }: PieceVerdict, receipt: ReceiptView | null): string {
  const title = shortTitle(receipt?.evidenceKind ?? kind);
  return tcbStatus === null || title.startsWith("Simulator") ? title : `${title}, ${tcbStatus}`;
}

const EVIDENCE_WORDS: Readonly<Partial<Record<Outcome, string>>> = {
  accepted: "Accepted by your policy",
  acceptedSimulated: "Accepted by your policy",
  acceptedByOperator: "Accepted by the operator’s policy",
  notAppraised: "Genuine. Nobody has said that it is acceptable",
  simulatedNotAppraised: "Nobody has said that it is acceptable",
  refused: "Not what your policy accepts",
};

const RESTS: Readonly<Record<Link, (piece: PieceVerdict) => string>> = {
  hardware: (piece) =>
    isSimulated(piece) ? "a key that is public: nothing" : "the vendor’s root key and its lists",
  evidence: ({ status, outcome }) =>
    outcome === "acceptedByOperator"
      ? "whoever answers: they wrote the policy"
      : status === 0 || status === 2
        ? "whoever wrote your policy"
        : "a policy: none chosen",
  keyset: () => "the key staying inside",
  answer: () => "Keccak-256 and the signature",
  transcript: () => "the code: that it records what it does",
  provider: () => "the enclave’s word",
};

export function isSimulated({ kind, claims }: PieceVerdict): boolean {
  return kind === "simulator" || claims["evidenceKind"] === "simulator";
}

function countOf(checks: readonly VerdictCheck[]): string {
  if (checks.length === 0) return "not in this file";
  const count = (state: VerdictCheck["state"]): number =>
    checks.filter((check) => check.state === state).length;
  const words = [
    [count("fails"), "fails"],
    [count("holds"), "hold"],
    [count("left open"), "open"],
    [count("as seen"), "as seen"],
    [count("on its word"), "on its word"],
    [count("not reached"), "not reached"],
  ] as const;
  const said = words.filter(([number]) => number > 0);
  const [only] = said;
  if (said.length === 1 && only?.[1] === "on its word") return "on its word";
  return said.map(([number, word]) => `${number} ${word}`).join(", ");
}

interface WireRule {
  /** Checks that the line stands for, by link and name. */
  readonly carries: (check: VerdictCheck) => boolean;
  readonly says: (context: WireContext) => readonly [says: string, values: readonly string[]];
}

interface WireContext {
  readonly piece: PieceVerdict;
  readonly receipt: ReceiptView | null;
}

const same = (value: unknown): readonly string[] =>
  typeof value === "string" ? [shortHex(value).slice(0, 8), `= ${shortHex(value).slice(0, 8)}`] : [];

/** The five lines. A fault breaks the line at which it was compared, and not the thing. */
const WIRES: readonly WireRule[] = [
  {
    carries: ({ link }) => link === "hardware" || link === "evidence",
    says: ({ piece: { checks } }) => {
      const signatures = checks.filter(({ link, name }) => isOnPlatform(link) && name.includes("signature"));
      const signed = `${signatures.length} ${signatures.length === 1 ? "signature" : "signatures"}`;
      return ["the vendor’s keys sign it", signatures.length === 0 ? [] : [signed]];
    },
  },
  {
    carries: ({ link }) => link === "keyset",
    says: ({ receipt }) => ["claims name the keyset", same(receipt?.keysetId)],
  },
  {
    carries: ({ link }) => link === "answer",
    says: ({ receipt }) => [
      "signature recovers to",
      receipt === null ? [] : [shortHex(receipt.signer).slice(0, 8)],
    ],
  },
  {
    carries: ({ name }) => name === "transcript-root" || name === "evidence-hash",
    says: ({ piece, receipt }) => {
      const detail = piece.checks.find(({ name }) => name === "transcript-root")?.detail ?? "";
      const [root] = /0x[0-9a-f]{64}/.exec(detail) ?? [];
      return [`root of ${receipt?.eventCount.toLocaleString("en") ?? "the"} events`, same(root)];
    },
  },
  {
    carries: ({ name, link }) =>
      link === "provider" ||
      (link === "transcript" && name !== "transcript-root" && name !== "evidence-hash"),
    says: () => ["recorded, unsigned", []],
  },
];

function isOnPlatform(link: Link): boolean {
  return link === "hardware" || link === "evidence";
}

const DASHED = 4;

function wireOf(rule: WireRule, context: WireContext): Wire {
  const checks = context.piece.checks.filter(
    (check) => rule.carries(check) && !check.name.startsWith("policy: "),
  );
  const failing = checks.find(({ state }) => state === "fails");
  if (failing !== undefined) return brokenWire(failing);
  const known = checks.filter(({ state }) => state !== "not reached");
  if (known.length === 0) {
    const says = context.receipt === null ? "not in this file" : "not reached";
    return { kind: "none", tone: "off", word: "not reached", says, values: [] };
  }
  const [says, values] = rule.says(context);
  if (rule === WIRES[DASHED]) return { kind: "word", tone: "off", word: "not proven", says, values };
  const isHardware = rule === WIRES[0];
  const tone = isHardware && isSimulated(context.piece) ? "warn" : "holds";
  if (known.length < checks.length) {
    return {
      kind: "none",
      tone: "off",
      word: "not reached in full",
      says: "not reached in full",
      values: [],
    };
  }
  return { kind: "compared", tone, word: "holds", says, values };
}

function brokenWire({ name, expected, found }: VerdictCheck): Wire {
  const values =
    expected === null || found === null
      ? []
      : [shortHex(expected).slice(0, 8), `≠ ${shortHex(found).slice(0, 8)}`];
  return { kind: "broken", tone: "fails", word: "fails", says: name, values };
}

/** The link that the page opens: the one with the fault, otherwise Evidence. */
export function firstLink(piece: PieceVerdict): Link {
  if (piece.status !== 1 && piece.status !== 2) return "evidence";
  return piece.checks.find(({ state }) => state === "fails")?.link ?? "evidence";
}
