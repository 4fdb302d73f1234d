/** The first 8 and the last 4 digits, without 0x. */
export function shortHex(hex: string): string {
  const digits = hex.startsWith("0x") ? hex.slice(2) : hex;
  return digits.length <= 14 ? digits : `${digits.slice(0, 8)}…${digits.slice(-4)}`;
}
