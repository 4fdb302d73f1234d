/**
 * JSON whose numbers keep their digits. JavaScript's are binary: `10.0000000000000000001` would be `10`, and 2^53 + 1 would
 * be 2^53, so that an answer outside of its bounds would pass them.
 */

/** A JSON number (RFC 8259 §6), by its value: `1.0`, `1` and `10e-1` are the same. */
export class ExactNumber {
  /** As it was written. */
  readonly literal: string;
  #read: NumberParts | null = null;

  /** @param literal as JSON spells it */
  constructor(literal: string) {
    this.literal = literal;
  }

  get isNegative(): boolean {
    return this.#parts.isNegative;
  }

  /** Significant digits, without zeros at either end; empty for zero. */
  get digits(): string {
    return this.#parts.digits;
  }

  /** The value is 0.digits × 10^point. */
  get point(): bigint {
    return this.#parts.point;
  }

  /** Its digits were looked at: comparing costs less from then on. */
  get isRead(): boolean {
    return this.#read !== null;
  }

  /** Read when somebody compares: a typed answer takes its numbers as they are written, however long their exponents are. */
  get #parts(): NumberParts {
    return (this.#read ??= readNumber(this.literal));
  }

  isInteger(): boolean {
    return this.point >= BigInt(this.digits.length);
  }

  /** Negative, zero or positive, as this is below, equal to or above `other`. */
  compare(other: ExactNumber): number {
    if (this.isNegative !== other.isNegative) return this.isNegative ? -1 : 1;
    const size = compareSizes(this, other);
    return this.isNegative ? -size : size;
  }

  /** One text for one value. */
  toString(): string {
    if (this.digits === "") return "0";
    const sign = this.isNegative ? "-" : "";
    const places = BigInt(this.digits.length);
    if (this.point >= places && this.point <= 78n) return sign + this.digits.padEnd(Number(this.point), "0");
    return `${sign}0.${this.digits}${this.point === 0n ? "" : `e${this.point}`}`;
  }
}

export type ExactJson =
  null | boolean | string | ExactNumber | readonly ExactJson[] | { readonly [key: string]: ExactJson };

const NUMBER = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]\+?(-?[0-9]+))?$/;

interface NumberParts {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly point: bigint;
}

function readNumber(literal: string): NumberParts {
  const [, minus, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(literal) ?? [];
  const written = whole + fraction;
  const leading = written.length - written.replace(/^0+/, "").length;
  const digits = withoutTrailingZeros(written.slice(leading));
  return {
    isNegative: minus === "-" && digits !== "",
    digits,
    point: digits === "" ? 0n : BigInt(whole.length - leading) + BigInt(exponent),
  };
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}

function compareSizes(a: ExactNumber, b: ExactNumber): number {
  if (a.digits === "" || b.digits === "") return Math.sign(a.digits.length - b.digits.length);
  if (a.point !== b.point) return a.point < b.point ? -1 : 1;
  return a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : 0;
}

/** @param text JSON that `parseJson` took */
export function parseExactJson(text: string): ExactJson {
  const exact = (_name: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === "number" ? new ExactNumber(context.source ?? String(value)) : value;
  // The compiler's library does not know the third parameter yet (ECMAScript 2026, JSON.parse source text access).
  return JSON.parse(text, exact as (name: string, value: unknown) => unknown) as ExactJson;
}

export function isExactObject(value: ExactJson | undefined): value is { readonly [key: string]: ExactJson } {
  return (
    typeof value === "object" && value !== null && !isExactList(value) && !(value instanceof ExactNumber)
  );
}

export function isExactList(value: ExactJson | undefined): value is readonly ExactJson[] {
  return Array.isArray(value);
}
