/** Throws mutated inputs at one target, and judges what comes back. */

import { toHex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { createRandom, mutate } from "./mutation.ts";
import type { FuzzTarget } from "./target.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly runs: number;
}

export interface FuzzFigures {
  readonly kind: string;
  readonly runs: number;
  readonly seed: number;
  readonly inputsPerSecond: number;
  /** How often each code came back; "accepted" is for inputs whose meaning did not change. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowestMilliseconds: number;
  /** Inputs in hex that raised something outside the taxonomy, or were accepted with another meaning: at most ten. */
  readonly findings: readonly { readonly input: string; readonly what: string }[];
}

const MAX_FINDINGS = 10;

export async function fuzz(target: FuzzTarget, { seed, runs }: FuzzOptions): Promise<FuzzFigures> {
  const random = createRandom(seed);
  const seeds = await target.seeds();
  const meanings = new Set(await Promise.all(seeds.map(async (genuine) => await meaningOf(target, genuine))));
  const outcomes: Record<string, number> = {};
  const findings: { readonly input: string; readonly what: string }[] = [];
  let slowest = 0;
  const start = performance.now();
  for (let run = 0; run < runs; run++) {
    const input = (target.mutate ?? mutate)(seeds[random(seeds.length)]!, random);
    const before = performance.now();
    const { outcome, finding } = await judge(target, input, meanings);
    slowest = Math.max(slowest, performance.now() - before);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (finding !== undefined && findings.length < MAX_FINDINGS)
      findings.push({ input: toHex(input), what: finding });
  }
  return {
    kind: target.kind,
    runs,
    seed,
    inputsPerSecond: Math.round((runs / (performance.now() - start)) * 1000),
    outcomes,
    slowestMilliseconds: Math.round(slowest),
    findings,
  };
}

async function meaningOf(target: FuzzTarget, input: Uint8Array<ArrayBuffer>): Promise<string> {
  return JSON.stringify({ meaning: await target.run(input) });
}

interface Judgement {
  readonly outcome: string;
  readonly finding?: string;
}

async function judge(
  target: FuzzTarget,
  input: Uint8Array<ArrayBuffer>,
  meanings: ReadonlySet<string>,
): Promise<Judgement> {
  try {
    const meaning = await meaningOf(target, input);
    return meanings.has(meaning)
      ? { outcome: "accepted" }
      : { outcome: "accepted with another meaning", finding: `accepted: ${meaning}` };
  } catch (error) {
    if (error instanceof AdytonError) return { outcome: String(error.code) };
    const refusal = target.refusalOf?.(error) ?? null;
    if (refusal !== null) return { outcome: refusal };
    return { outcome: "not ours", finding: String(error) };
  }
}
