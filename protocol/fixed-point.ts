/** Decimal numbers as scaled integers: the value of a `fixedMxN` is its decimal number times 10^N. Nothing is ever rounded. */

const DECIMAL = /^(-?)(0|[1-9][0-9]{0,77})(?:\.([0-9]{1,80}))?$/;

/** The scaled integer of a decimal text; null for any other text, minus zero, or more than `decimals` digits after the point. */
export function parseFixed(text: string, decimals: number): bigint | null {
  const [, sign = "", whole = "", fraction = ""] = DECIMAL.exec(text) ?? [];
  if (whole === "" || fraction.length > decimals) return null;
  const magnitude = BigInt(`${whole}${fraction.padEnd(decimals, "0")}`);
  if (sign === "") return magnitude;
  return magnitude === 0n ? null : -magnitude;
}

/** The shortest decimal text of a scaled integer. */
export function formatFixed(value: bigint, decimals: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - decimals);
  return `${value < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
