/** A verdict for a person who has never seen a quote: the verdict, what it is, what was compared, and the verdict again. */

import { ExitCode } from "../exit-codes.ts";
import { asTyped } from "../invocation.ts";
import { paint, printableLine, wrap } from "../terminal.ts";
import { claimRows } from "./claim-rows.ts";
import type { ReportedCheck, ReportedPiece, VerifyOutcome, VerifyReport } from "./report.ts";
import { LINE_COLUMNS, shortenDigests, titleOf } from "./wording.ts";

export interface DescribeOptions {
  /** Whether long digests are written out. */
  readonly full: boolean;
}

export function describeOutcome(
  { exitCode, report }: VerifyOutcome,
  options: DescribeOptions = { full: false },
): string {
  if (exitCode === ExitCode.usage) return describeUsage(report);
  const headline = paintHeadline(exitCode, report);
  const several = report.pieces.length > 1;
  return [
    headline,
    indented(report.sentence),
    ...(report.caution === undefined ? [] : [paint.wary(indented(report.caution))]),
    ...report.pieces.flatMap((piece) => ["", ...describePiece(piece, { ...options, several })]),
    ...describeWritten(report),
    ...errorLines(report),
    "",
    headline,
    ...adviceFor(exitCode),
    "",
  ].join("\n");
}

const TONES: Readonly<Record<number, (text: string) => string>> = {
  [ExitCode.ok]: paint.good,
  [ExitCode.notGenuine]: paint.bad,
  [ExitCode.refused]: paint.wary,
  [ExitCode.cannotJudge]: paint.wary,
};

/** Green is for what the reader's own policy accepts, and for nothing simulated. */
function paintHeadline(exitCode: ExitCode, { headline }: VerifyReport): string {
  const isPlain = exitCode === ExitCode.ok && headline !== "Genuine, and accepted.";
  const tone = isPlain ? paint.wary : (TONES[exitCode] ?? ((text: string) => text));
  return paint.strong(tone(headline));
}

function adviceFor(exitCode: ExitCode): readonly string[] {
  if (exitCode !== ExitCode.notAppraised) return [];
  return [
    indented(
      "Say what you accept with --policy FILE; --init-policy FILE writes one from what was seen here, for you to read and keep.",
    ),
  ];
}

interface PieceOptions extends DescribeOptions {
  readonly several: boolean;
}

function describePiece(piece: ReportedPiece, { full, several }: PieceOptions): readonly string[] {
  const place = piece.path === "" ? "" : `${piece.path}: `;
  const answers = Object.entries(piece.answers);
  const width = Math.max(0, ...answers.map(([question]) => question.length));
  return [
    paint.strong(wrap(printableLine(`${place}${titleOf(piece.kind)}`), 2, LINE_COLUMNS)),
    ...(several ? [indented(`${piece.headline} ${piece.sentence}`)] : []),
    ...answers.map(([question, answer]) => row(["", question, answer], [0, width])),
    "",
    ...describeChecks(piece.checks, full),
    ...describeClaims(piece, full),
  ];
}

const STATE_TONES: Readonly<Record<ReportedCheck["state"], (text: string) => string>> = {
  holds: paint.good,
  fails: paint.bad,
  "not reached": paint.wary,
  "left open": paint.dim,
  "as seen": paint.dim,
  "on its word": paint.wary,
};
const STATE_WIDTH = "not reached".length;

/** Failing checks show what was expected and found in full, one above the other. */
function describeChecks(checks: readonly ReportedCheck[], full: boolean): readonly string[] {
  const width = Math.min(NAME_COLUMNS, Math.max(0, ...checks.map(({ name }) => name.length)));
  return checks.flatMap((check) => {
    const { name, state, detail, expected, found } = check;
    const shown = full || state === "fails" ? detail : shortenDigests(detail);
    const line = row([state, name, shown], [STATE_WIDTH, width], STATE_TONES[state]);
    if (state !== "fails") return [line];
    return [
      line,
      ...(expected === null ? [] : [`      expected ${printableLine(expected)}`]),
      ...(found === null ? [] : [`      found    ${printableLine(found)}`]),
    ];
  });
}

function describeClaims(piece: ReportedPiece, full: boolean): readonly string[] {
  if (piece.appraised !== null && piece.claimsVerified) return [];
  const rows = claimRows(piece.claims);
  if (rows.length === 0) return [];
  const intro = piece.claimsVerified
    ? "It claims, and nothing here says whether that is what you want:"
    : "It claims, and NOTHING ESTABLISHES it (unverified):";
  const width = Math.min(NAME_COLUMNS, Math.max(...rows.map(([name]) => name.length)));
  return [
    "",
    indented(intro),
    ...rows.map(([name, value]) => row(["", name, full ? value : shortenDigests(value)], [0, width])),
  ];
}

/** Where a text begins that has a word too wide for its column: on a line of its own. */
const BELOW_COLUMNS = 6;

/** Longest name that its column makes room for. */
const NAME_COLUMNS = 22;

/** A mark, a name and a text that is broken between words, under itself. */
function row(
  [mark, named, said]: readonly [string, string, string],
  [markWidth, nameWidth]: readonly [number, number],
  tone: (text: string) => string = (plain) => plain,
): string {
  const [name, text] = [printableLine(named), printableLine(said)];
  const left = markWidth === 0 ? "  " : `  ${mark.padEnd(markWidth)}  `;
  const indent = left.length + nameWidth + 2;
  const tooWide = text.split(" ").some((word) => word.length > LINE_COLUMNS - indent);
  const colored = markWidth === 0 ? left : `  ${tone(mark.padEnd(markWidth))}  `;
  if (tooWide) {
    const below = " ".repeat(BELOW_COLUMNS);
    return `${colored}${name}\n${wrap(`${below}${text}`, BELOW_COLUMNS, LINE_COLUMNS)}`;
  }
  const broken = wrap(`${" ".repeat(left.length)}${name.padEnd(nameWidth)}  ${text}`, indent, LINE_COLUMNS);
  return `${colored}${broken.slice(left.length)}`.trimEnd();
}

function indented(text: string): string {
  return wrap(`  ${printableLine(text)}`, 2, LINE_COLUMNS);
}

function describeWritten({ policyWritten }: VerifyReport): readonly string[] {
  if (policyWritten === undefined) return [];
  const { file, leftOpen } = policyWritten;
  const open = leftOpen.length === 0 ? "It leaves nothing open." : `It leaves open: ${leftOpen.join(", ")}.`;
  return ["", indented(`Wrote ${file}: it accepts what was seen here, and nothing else. ${open}`)];
}

function errorLines({ error }: VerifyReport): readonly string[] {
  return error === undefined ? [] : ["", indented(`${error.message} [${error.code}]`)];
}

/** Nothing was looked at: there is nothing to say but what to do otherwise. */
function describeUsage({ error }: VerifyReport): string {
  const what = error === undefined ? "wrong usage" : `${printableLine(error.message)} [${error.code}]`;
  return asTyped(`adyton verify: ${what}\n(adyton verify --help lists what it takes)\n`);
}

/** Writes the outcome to stdout, and returns the exit status. */
export function printOutcome(
  outcome: VerifyOutcome,
  { json, full }: { readonly json: boolean; readonly full: boolean },
): ExitCode {
  process.stdout.write(json ? `${JSON.stringify(outcome.report)}\n` : describeOutcome(outcome, { full }));
  return outcome.exitCode;
}
