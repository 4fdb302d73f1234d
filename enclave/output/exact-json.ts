/** JSON whose numbers are still the text that they were written in, where a rounded one would be another answer. */

/** A number by its source text. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type ExactJson =
  null | boolean | string | NumberText | readonly ExactJson[] | { readonly [key: string]: ExactJson };

/** @param text valid JSON, whose nesting is bounded */
export function parseExactJson(text: string): ExactJson {
  const exact = (_name: string, value: unknown, { source }: { readonly source?: string }): unknown =>
    typeof value === "number" ? new NumberText(source ?? String(value)) : value;
  // The compiler's library does not know the third parameter yet.
  return JSON.parse(text, exact as (name: string, value: unknown) => unknown) as ExactJson;
}
