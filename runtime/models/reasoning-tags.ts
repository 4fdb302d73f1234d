/**
 * Reasoning that a server leaves inside the content, as `<think>…</think>` before the answer: DeepSeek's weights, and others of
 * their kind, under vLLM, Ollama and llama.cpp without a reasoning parser. Templates may begin inside the tag, so that only the
 * closing one is seen.
 */

const OPENING = "<think>";
const CLOSING = "</think>";

/** The answer in a content that is whole; empty where the reasoning never ended. */
export function withoutReasoning(content: string): string {
  const end = content.indexOf(CLOSING);
  if (end >= 0) return content.slice(end + CLOSING.length).trimStart();
  return content.trimStart().startsWith(OPENING) ? "" : content;
}

/** The same of a content that comes in pieces: nothing is passed on before it is known whether it was reasoning. */
export class ReasoningFilter {
  #held = "";
  #isAnswer = false;
  #hasText = false;

  push(piece: string): string {
    if (this.#isAnswer) return this.#trimmed(piece);
    this.#held += piece;
    const end = this.#held.indexOf(CLOSING);
    if (end < 0) return "";
    this.#isAnswer = true;
    const rest = this.#held.slice(end + CLOSING.length);
    this.#held = "";
    return this.#trimmed(rest);
  }

  /** What was held back, once nothing more comes. */
  finish(): string {
    if (this.#isAnswer) return "";
    this.#isAnswer = true;
    return withoutReasoning(this.#held);
  }

  #trimmed(piece: string): string {
    const text = this.#hasText ? piece : piece.trimStart();
    this.#hasText ||= text !== "";
    return text;
  }
}
