/** Text that only a receipt holds, whether or not it still is one: a damaged receipt is judged as a receipt. */
const RECEIPT_MARKS = ['"transcriptRoot"', '"transcript"', '"keyset"', '"signature"'];

export function looksLikeReceipt(file: Uint8Array): boolean {
  const text = new TextDecoder().decode(file);
  return text.trimStart().startsWith("{") && RECEIPT_MARKS.filter((mark) => text.includes(mark)).length >= 2;
}
