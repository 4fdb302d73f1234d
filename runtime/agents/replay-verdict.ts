/** What a replay comes to, where it does not come to the same run. */

/** Where a replay parts from the record. */
export type DivergedAt =
  | "event"
  | "program"
  | "input"
  | "body"
  | "op"
  | "args"
  | "request"
  | "result"
  | "read"
  | "callExtra"
  | "callMissing"
  | "logs"
  | "outcome"
  | "returned"
  | "gas"
  | "calls"
  | "status"
  | "output";

export interface Divergence {
  readonly at: DivergedAt;
  /** null where it is of no call. */
  readonly call: number | null;
  /** As recorded. */
  readonly expected: string;
  /** As replayed. */
  readonly actual: string;
}

/** The record and the run are not the same: this receipt says something that did not happen so. */
export class ReplayDivergence extends Error {
  readonly divergence: Divergence;

  constructor(divergence: Divergence) {
    const where = divergence.call === null ? "" : ` of call ${divergence.call}`;
    super(`the replay differs in ${divergence.at}${where}`);
    this.divergence = divergence;
  }
}

export type NotReplayableBecause =
  /** No agent's run, or a record without its parts. */
  | "noProgram"
  /** Events or bodies are not shown: whoever has them can replay. */
  | "withheld"
  /** The enclave has the program, and the receipt does not: `--program FILE`. */
  | "programMissing"
  /** Another version of the engine or the prelude made the run. */
  | "engineUnknown";

/** Nothing can be said of the run with what there is. */
export class NotReplayable extends Error {
  readonly because: NotReplayableBecause;

  constructor(because: NotReplayableBecause, message: string) {
    super(message);
    this.because = because;
  }
}
