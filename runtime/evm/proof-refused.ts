/** What a server of a chain showed does not prove what it says. */
export class ProofRefused extends Error {
  /** Which part of it. */
  readonly part: "rlp" | "trie" | "header" | "account" | "storage" | "code" | "receipts";

  constructor(part: ProofRefused["part"], message: string) {
    super(`${part}: ${message}`);
    this.part = part;
  }
}
