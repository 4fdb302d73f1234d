/** Figures in words. */

const NUMBERS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];

export function plural(count: number, one: string, many: string): string {
  return `${NUMBERS[count] ?? String(count)} ${count === 1 ? one : many}`;
}

export function milliseconds(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

const WEI_PER_ETHER = 10n ** 18n;

/** In ETH, to four digits that say something: the whole amount stands beside it in wei. */
export function shortEther(wei: string): string {
  const value = Number(BigInt(wei)) / Number(WEI_PER_ETHER);
  return `${value === 0 ? "0" : value.toLocaleString("en", { maximumSignificantDigits: 4 })} ETH`;
}
