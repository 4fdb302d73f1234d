/** The rule, its source with section, what is accepted, what is refused: names of tests, or of rows of one. */
export type Rule = readonly [rule: string, source: string, accept: string, reject: string];

export interface RuleSet {
  readonly title: string;
  /** Prefix of the rules' numbers. */
  readonly prefix: string;
  /** Files, below `tests/attestation`, that the names are from. */
  readonly files: readonly string[];
  readonly rules: readonly Rule[];
}
