/**
 * What a chain costs and brings, by what its keys and its payees have: balances that fall are gas, credits that rise are fees and gas
 * that was repaid. Top-ups and withdrawals go the other way, and are left out; one that falls between two looks hides what it outweighs.
 */

export interface Purse {
  readonly chainId: number;
  /** Wei. */
  readonly balances: readonly { readonly address: string; readonly balance: bigint }[];
  /** Wei that the coordinator owes the payees. */
  readonly credits: readonly { readonly payee: string; readonly credit: bigint }[];
}

export interface PurseReport {
  readonly chainId: number;
  /** Milliseconds that were watched: a day at most. */
  readonly watchedMs: number;
  readonly earned: bigint;
  readonly spent: bigint;
  readonly owed: bigint;
  readonly keys: readonly {
    readonly address: string;
    readonly balance: bigint;
    readonly spent: bigint;
    /** Seconds until it is empty at this pace; `null` while no pace is known, or it spends nothing. */
    readonly leftSeconds: number | null;
  }[];
}

interface Slot {
  /** Milliseconds. */
  readonly at: number;
  /** Wei by chain and account. */
  readonly spent: Map<string, bigint>;
  readonly earned: Map<string, bigint>;
}

const SLOT_MS = 600_000;
const WATCHED_MS = 86_400_000;
/** A pace that was seen for less is none. */
const LEAST_MS = 600_000;

export class PurseWatch {
  readonly #read: () => readonly Purse[];
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #last = new Map<string, bigint>();
  #slots: Slot[] = [];

  /** @param now milliseconds */
  constructor(read: () => readonly Purse[], now: () => number) {
    this.#read = read;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Looks once; to be called often. */
  look(): void {
    const slot = this.#slot();
    for (const { chainId, balances, credits } of this.#read()) {
      for (const { address, balance } of balances) this.#note(slot.spent, `${chainId} ${address}`, -balance);
      for (const { payee, credit } of credits) this.#note(slot.earned, `${chainId} ${payee}`, credit);
    }
  }

  report(): readonly PurseReport[] {
    const watchedMs = Math.min(WATCHED_MS, this.#now() - this.#startedAt);
    const slots = this.#slots.filter(({ at }) => at > this.#now() - WATCHED_MS);
    const sum = (key: string, of: (slot: Slot) => ReadonlyMap<string, bigint>): bigint =>
      slots.reduce((total, slot) => total + (of(slot).get(key) ?? 0n), 0n);
    return this.#read().map(({ chainId, balances, credits }) => {
      const keys = balances.map(({ address, balance }) => {
        const spent = sum(`${chainId} ${address}`, (slot) => slot.spent);
        const isKnown = watchedMs >= LEAST_MS && spent > 0n;
        const leftSeconds = isKnown ? Number((balance * BigInt(watchedMs)) / spent / 1_000n) : null;
        return { address, balance, spent, leftSeconds };
      });
      return {
        chainId,
        watchedMs,
        keys,
        spent: keys.reduce((total, { spent }) => total + spent, 0n),
        earned: credits.reduce(
          (total, { payee }) => total + sum(`${chainId} ${payee}`, (slot) => slot.earned),
          0n,
        ),
        owed: credits.reduce((total, { credit }) => total + credit, 0n),
      };
    });
  }

  /** Adds what `value` rose by since the last look. */
  #note(to: Map<string, bigint>, key: string, value: bigint): void {
    const before = this.#last.get(key);
    this.#last.set(key, value);
    if (before === undefined || value <= before) return;
    to.set(key, (to.get(key) ?? 0n) + value - before);
  }

  #slot(): Slot {
    const now = this.#now();
    const last = this.#slots.at(-1);
    if (last !== undefined && now - last.at < SLOT_MS) return last;
    const fresh: Slot = { at: now, spent: new Map(), earned: new Map() };
    this.#slots = [...this.#slots.filter(({ at }) => at > now - WATCHED_MS), fresh];
    return fresh;
  }
}
