/** The names of verdicts, the same on every surface: exit status, headline and sentence (docs/reference/cli-verify.md, Verdicts). */

/** The verdict. `Accepted…` needs a policy; `altered`, `forged` and `revoked` are shown to be false, `cannotJudge` is not. */
export type Outcome =
  | "accepted"
  | "acceptedSimulated"
  | "acceptedByOperator"
  | "notAppraised"
  | "simulatedNotAppraised"
  | "refused"
  | "cannotJudge"
  | "altered"
  | "forged"
  | "revoked";

export type VerdictStatus = 0 | 1 | 2 | 3 | 4;

interface Words {
  readonly status: VerdictStatus;
  readonly headline: string;
  /** Its meaning; the finding follows where it differs from case to case. */
  readonly sentence: string;
}

export const WORDS: Readonly<Record<Outcome, Words>> = {
  accepted: {
    status: 0,
    headline: "Genuine, and accepted.",
    sentence: "Hardware vouches for it, and it is what your policy accepts.",
  },
  acceptedSimulated: {
    status: 0,
    headline: "Accepted, but simulated.",
    sentence:
      "Every check holds, and it is what your policy accepts. Your policy accepts the simulator, so this says nothing about hardware.",
  },
  acceptedByOperator: {
    status: 0,
    headline: "Accepted by operator.",
    sentence: "The policy is the operator's: whoever answers chose what is accepted. Choose your own.",
  },
  notAppraised: {
    status: 4,
    headline: "Genuine, not appraised.",
    sentence:
      "Nobody has said that it is what you meant: anyone can rent genuine hardware and run anything on it.",
  },
  simulatedNotAppraised: {
    status: 4,
    headline: "Simulated, not appraised.",
    sentence: "No hardware, and no policy. Anyone can make this.",
  },
  refused: {
    status: 2,
    headline: "Genuine, but refused.",
    sentence: "It is not what your policy accepts",
  },
  cannotJudge: { status: 3, headline: "Cannot be judged.", sentence: "" },
  altered: { status: 1, headline: "Not genuine: altered.", sentence: "This file contradicts itself" },
  forged: { status: 1, headline: "Not genuine: forged.", sentence: "No key of the vendor's signed this." },
  revoked: {
    status: 1,
    headline: "Not genuine: revoked.",
    sentence: "The vendor has revoked what signed this: what it signs proves nothing.",
  },
};

/** Of several pieces, the outcome that stands for all: what is shown to be false before what could not be looked at. */
const GRAVITY: readonly VerdictStatus[] = [1, 2, 3, 4, 0];

/** The one of `pieces` that decides about all of them: no other is graver. */
export function gravest<Piece extends { readonly outcome: Outcome }>(
  pieces: readonly [Piece, ...Piece[]],
): Piece {
  const rank = ({ outcome }: Piece): number => GRAVITY.indexOf(WORDS[outcome].status);
  return pieces.reduce((worst, piece) => (rank(piece) < rank(worst) ? piece : worst));
}
