/** COSE_Sign1 without a tag, or with tag 18 (RFC 9052 §2): an array of four, of which the first is a byte string. */
const SIGN1_STARTS = [
  [0x84, 0x44],
  [0xd2, 0x84, 0x44],
] as const;

/** Whether this begins as a Nitro document does: COSE_Sign1 whose protected header has four bytes. Never throws. */
export function recogniseNitroDocument(evidence: Uint8Array): boolean {
  return SIGN1_STARTS.some((start) => start.every((byte, index) => evidence[index] === byte));
}
