import type { Random } from "./mutation.ts";

/** Something that takes attackers' bytes. */
export interface FuzzTarget {
  readonly kind: string;
  /** Genuine inputs to mutate. */
  readonly seeds: () => Promise<readonly Uint8Array<ArrayBuffer>[]>;
  /** Where bytes are not what attackers change: a genuine input, changed as they would. */
  readonly mutate?: (genuine: Uint8Array<ArrayBuffer>, random: Random) => Uint8Array<ArrayBuffer>;
  /**
   * What the input means, where it is accepted: a mutated input must be refused by an error of the taxonomy, or mean
   * what a genuine one means (what it changed was nothing that anyone signed or reads).
   */
  readonly run: (input: Uint8Array<ArrayBuffer>) => Promise<unknown>;
  /** The name of a refusal that is no error of the taxonomy; null of what is none. */
  readonly refusalOf?: (error: unknown) => string | null;
}
