/** A second reading of JSON's numbers, as fractions of big integers: slow, and plainly right. For exponents that a test can hold. */

/** Beyond this a power of ten has more digits than is worth writing out; the sign of the exponent decides then. */
const MAX_POWER = 20_000n;

interface Parts {
  readonly digits: bigint;
  readonly exponent: bigint;
}

function partsOf(literal: string): Parts {
  const [mantissa = "", exponent = "0"] = literal.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = BigInt(`${whole.replace("-", "")}${fraction}`);
  return {
    digits: whole.startsWith("-") ? -digits : digits,
    exponent: BigInt(exponent.replace("+", "")) - BigInt(fraction.length),
  };
}

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compareNumbers(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const [signA, signB] = [signOf(left.digits), signOf(right.digits)];
  if (signA !== signB) return Math.sign(signA - signB);
  if (signA === 0) return 0;
  const gap = left.exponent - right.exponent;
  if (gap > MAX_POWER) return signA;
  if (gap < -MAX_POWER) return -signA;
  const low = gap < 0n ? left.exponent : right.exponent;
  const scaled = ({ digits, exponent }: Parts): bigint => digits * 10n ** (exponent - low);
  return signOf(scaled(left) - scaled(right));
}

export function isWhole(literal: string): boolean {
  const { digits, exponent } = partsOf(literal);
  if (digits === 0n || exponent >= 0n) return true;
  return -exponent <= MAX_POWER && digits % 10n ** -exponent === 0n;
}

function signOf(value: bigint): number {
  return value === 0n ? 0 : value < 0n ? -1 : 1;
}
