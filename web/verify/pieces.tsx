/** A document of several pieces of evidence: each is judged by itself, and one of them is shown. */

import type { PieceVerdict } from "../../attestation/verdict/verdict.ts";
import { Head } from "../ui/frame.tsx";
import { State } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { MARKS } from "./chain-view.ts";
import { shortTitle } from "./titles.ts";

export interface PiecesProps {
  readonly pieces: readonly PieceVerdict[];
  readonly shown: PieceVerdict;
  readonly onShow: (piece: PieceVerdict) => void;
}

export function Pieces({ pieces, shown, onShow }: PiecesProps) {
  return (
    <section>
      <Head title="Pieces">{`${pieces.length}, each judged by itself`}</Head>
      <ul class="says">
        {pieces.map((piece, index) => {
          const [mark, tone] = MARKS[piece.outcome];
          return (
            <li key={index}>
              <State mark={mark} tone={tone} />
              <span>
                <strong class="isolated">
                  <Odd
                    text={
                      piece.path === ""
                        ? `${shortTitle(piece.kind)}.`
                        : `${piece.path}: ${shortTitle(piece.kind)}.`
                    }
                  />
                </strong>{" "}
                {piece.headline}{" "}
                {piece === shown ? (
                  "Shown below."
                ) : (
                  <button
                    class="btn bare inline"
                    type="button"
                    onClick={() => {
                      onShow(piece);
                    }}
                  >
                    Show it
                  </button>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
