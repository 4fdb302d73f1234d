/** What a server of a chain showed does not prove what it says. */
export class ProofRefused extends Error {
  /** Which part of it. */
  readonly part: "rlp" | "trie" | "header" | "account" | "storage" | "code" | "receipts";

  readonly reason: string;

  constructor(part: ProofRefused["part"], reason: string) {
    super(`${part}: ${reason}`);
    this.part = part;
    this.reason = reason;
  }
}
