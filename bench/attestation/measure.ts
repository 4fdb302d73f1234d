import { measureSignaturesAlone, type FreshSignatures } from "./floor.ts";

/** One thing to verify, again and again: the `index`-th quote, which nobody has seen before. */
export interface Subject {
  /** Quotes of one round. */
  readonly batch: number;
  readonly quotes: number;
  readonly cold: (index: number) => Promise<void>;
  readonly warm: (index: number) => Promise<void>;
  /** The other implementation, which keeps nothing between quotes; null where there is none for this kind. */
  readonly peer: ((index: number) => Promise<void>) | null;
  /** What nothing can remember of a quote never seen before; null where it is not of one curve alone. */
  readonly fresh: FreshSignatures | null;
}

export interface Speed {
  readonly perSecond: number;
  /** Of CPU time, all threads together: what a core can do when nothing else runs on it. */
  readonly perCpuSecond: number;
}

export interface Figures {
  readonly cold: Speed;
  readonly warm: Speed;
  readonly peer: Speed | null;
  /** Per CPU second: a warm verifier that did nothing but check the fresh signatures. */
  readonly signaturesAlone: number | null;
}

/** Enough that one disturbed round, or two, move no median. */
const ROUNDS = 7;
/**
 * Before anything is counted: compiled code is what is compared. A verifier has a hundred functions, of which the last are compiled after
 * some hundred quotes; a loop of signatures has none to speak of.
 */
const WARM_UP_ROUNDS = 5;
/** The peer takes ten times as long: it gets a part of the batch. */
const PEER_SHARE = 0.25;

export async function measureAll(
  subjects: Readonly<Record<string, Subject>>,
): Promise<Readonly<Record<string, Figures>>> {
  const figures: Record<string, Figures> = {};
  for (const [name, subject] of Object.entries(subjects)) {
    process.stderr.write(`${name}…\n`);
    figures[name] = await measure(subject);
  }
  return figures;
}

async function measure(subject: Subject): Promise<Figures> {
  const { batch, peer, fresh } = subject;
  const take = createCounter(subject.quotes);
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    await time(take(batch), subject.cold);
    await time(take(batch), subject.warm);
    if (peer !== null) await time(take(Math.ceil(batch * PEER_SHARE)), peer);
    if (fresh !== null) await measureSignaturesAlone(fresh);
  }
  const cold: Speed[] = [];
  const warm: Speed[] = [];
  const other: Speed[] = [];
  const alone: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    cold.push(await time(take(batch), subject.cold));
    warm.push(await time(take(batch), subject.warm));
    if (peer !== null) other.push(await time(take(Math.ceil(batch * PEER_SHARE)), peer));
    if (fresh !== null) alone.push(await measureSignaturesAlone(fresh));
  }
  return {
    cold: median(cold),
    warm: median(warm),
    peer: peer === null ? null : median(other),
    signaturesAlone: fresh === null ? null : middle(alone),
  };
}

/** Hands out quotes in turn; enough are minted that one comes again only when everybody has forgotten it. */
function createCounter(quotes: number): (count: number) => readonly number[] {
  let next = 0;
  return (count) => Array.from({ length: count }, () => next++ % quotes);
}

async function time(indices: readonly number[], verify: (index: number) => Promise<void>): Promise<Speed> {
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  for (const index of indices) await verify(index);
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    perSecond: indices.length / seconds,
    perCpuSecond: (indices.length * 1e6) / (cpu.user + cpu.system),
  };
}

function median(speeds: readonly Speed[]): Speed {
  return {
    perSecond: middle(speeds.map(({ perSecond }) => perSecond)),
    perCpuSecond: middle(speeds.map(({ perCpuSecond }) => perCpuSecond)),
  };
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
