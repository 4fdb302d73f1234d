import type { Figures, Speed } from "./measure.ts";

const round = (value: number): number => Number(value.toPrecision(4));
const ratio = (ours: number, theirs: number | undefined): number | null =>
  theirs === undefined ? null : round(ours / theirs);

/** Signatures of a quote whose keys and certificates are new: what is left when everything else was remembered. */
const FRESH_SIGNATURES: Readonly<Record<string, string>> = {
  tdxV4: "3 P-256, 2 of them under new keys: PCK certificate, QE report, quote",
  sgxV3: "3 P-256, 2 of them under new keys: PCK certificate, QE report, quote",
  snp: "1 RSA-PSS and 1 P-384: VCEK certificate, report",
  nitro: "2 P-384, 1 of them under a new key: enclave certificate, document",
};

/** A batch by `verifyMany`: on every core, and on one thread of one core. */
export interface ManyFigures {
  readonly perSecond: number;
  readonly alonePerSecond: number;
}

interface Output {
  readonly many: ManyFigures;
  readonly json: boolean;
}

export function writeJsonOrTable(
  figures: Readonly<Record<string, Figures>>,
  { many: { perSecond, alonePerSecond }, json }: Output,
): void {
  const many = { perSecond: round(perSecond), speedup: round(perSecond / alonePerSecond) };
  const entries = Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, toEntry(figure, FRESH_SIGNATURES[name] ?? "")]),
  );
  const inBatches = `a batch on every core: ${many.perSecond}, ${many.speedup} times one core\n`;
  process.stdout.write(
    json ? `${JSON.stringify({ ...entries, many })}\n` : `${toTable(figures)}${inBatches}`,
  );
}

/** `null` where no other implementation verifies the kind. A ratio above 1 means that ours is faster. */
function toEntry({ cold, warm, peer, signaturesAlone }: Figures, freshSignatures: string) {
  return {
    coldPerSecond: round(cold.perSecond),
    warmPerSecond: round(warm.perSecond),
    peerPerSecond: peer === null ? null : round(peer.perSecond),
    coldRatio: ratio(cold.perSecond, peer?.perSecond),
    warmRatio: ratio(warm.perSecond, peer?.perSecond),
    coldPerCpuSecond: round(cold.perCpuSecond),
    warmPerCpuSecond: round(warm.perCpuSecond),
    peerPerCpuSecond: peer === null ? null : round(peer.perCpuSecond),
    coldCpuRatio: ratio(cold.perCpuSecond, peer?.perCpuSecond),
    warmCpuRatio: ratio(warm.perCpuSecond, peer?.perCpuSecond),
    freshSignatures,
    // What a core could do that checked the fresh signatures and nothing else, and how near warm comes to it.
    boundPerSecond: signaturesAlone === null ? null : round(signaturesAlone),
    warmOfBound: signaturesAlone === null ? null : round(warm.perCpuSecond / signaturesAlone),
    signaturesAlonePerCpuSecond: signaturesAlone === null ? null : round(signaturesAlone),
    signaturesAloneCpuRatio: signaturesAlone === null ? null : ratio(signaturesAlone, peer?.perCpuSecond),
  };
}

function toTable(figures: Readonly<Record<string, Figures>>): string {
  const speed = (each: Speed | null): string =>
    each === null
      ? "–".padStart(15)
      : `${each.perSecond.toFixed(0)} (${each.perCpuSecond.toFixed(0)})`.padStart(15);
  const rows = Object.entries(figures).map(
    ([name, { cold, warm, peer, signaturesAlone }]) =>
      `${name.padEnd(8)}${speed(cold)}${speed(warm)}${speed(peer)}${(signaturesAlone?.toFixed(0) ?? "–").padStart(19)}`,
  );
  return [
    "quotes per second, one core (per CPU second)",
    `${"".padEnd(8)}${"cold".padStart(15)}${"warm".padStart(15)}${"dcap-qvl".padStart(15)}${"(signatures alone)".padStart(19)}`,
    ...rows,
    "",
  ].join("\n");
}
