/** "Any single bit flipped in a signed region is refused", asked of every bit there is, or of one in so many (config.ts). */

import { rejectionOf } from "../rejection-of.ts";
import { BIT_STRIDE } from "./config.ts";

/** What a judge resolves to when it did without the changed bytes: they are strangers, and nothing rests on them. */
export const NOT_RELIED_ON = "not relied on";

export interface BitFlips {
  readonly flipped: number;
  /** Bits whose change went unnoticed: index 0 is the lowest bit of the first byte. */
  readonly accepted: readonly number[];
  /** Every way in which a change was noticed, sorted. */
  readonly codes: readonly string[];
}

/** Judged at a time: WebCrypto has threads of its own, and idles when asked one thing at a time. */
const IN_FLIGHT = 16;

/** How many bits `flipBits` flips of a region. */
export const bitsFlippedOf = (bytes: number): number => Math.ceil((bytes * 8) / BIT_STRIDE);

/** Flips bits of `region`, one at a time, and asks `judge`, which is given the whole region. */
export async function flipBits(
  region: Uint8Array,
  judge: (changed: Uint8Array<ArrayBuffer>) => Promise<unknown>,
): Promise<BitFlips> {
  const accepted: number[] = [];
  const codes = new Set<string>();
  const judgeBit = async (bit: number): Promise<void> => {
    const changed = new Uint8Array(region);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    let outcome: unknown;
    const code = await rejectionOf(async () => {
      outcome = await judge(changed);
    });
    if (code !== "nothing thrown") codes.add(code);
    else if (outcome === NOT_RELIED_ON) codes.add(NOT_RELIED_ON);
    else accepted.push(bit);
  };
  const flipped = bitsFlippedOf(region.length);
  for (let from = 0; from < flipped; from += IN_FLIGHT) {
    const places = Array.from({ length: Math.min(IN_FLIGHT, flipped - from) }, (_, index) => from + index);
    await Promise.all(places.map((place) => judgeBit(place * BIT_STRIDE)));
  }
  return { flipped, accepted, codes: [...codes].sort() };
}
