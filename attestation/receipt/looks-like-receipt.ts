/** What a file is by its first look: a receipt, or a receipt's twin. Loads nothing of either: most files are neither. */

/** Text that only a receipt holds, whether or not it still is one: a damaged receipt is judged as a receipt. */
const RECEIPT_MARKS = ['"transcriptRoot"', '"transcript"', '"keyset"', '"signature"'];

export function looksLikeReceipt(file: Uint8Array): boolean {
  const text = new TextDecoder().decode(file);
  return text.trimStart().startsWith("{") && RECEIPT_MARKS.filter((mark) => text.includes(mark)).length >= 2;
}

/**
 * How a twin begins: COSE_Sign1's tag (RFC 9052 §4.2), an array of four, a byte string of any length below 64 KiB, in it a map of five whose
 * first label is alg (1) with ES256K (-47, RFC 8812 §3.2).
 */
const TWIN_START = [0xd2, 0x84, null, null, 0xa5, 0x01, 0x38, 0x2e] as const;

/** Whether these bytes begin as a twin does: tagged, an array of four, a protected header that names ES256K first. */
export function isCoseReceipt(bytes: Uint8Array): boolean {
  return TWIN_START.every((byte, index) => (byte ?? bytes[index]) === bytes[index]) && bytes.length >= 8;
}
