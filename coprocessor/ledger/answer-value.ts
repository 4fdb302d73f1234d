/** What of an answer stands in a row. docs/reference/ledger.md, Row. */

import { fromHex, type Hex } from "../../protocol/bytes.ts";

const WORD_BYTES = 32;

/** One word as it is, anything else as its hash. */
export function answerValue({ output, outputHash }: { readonly output: Hex; readonly outputHash: Hex }): Hex {
  return fromHex(output).length === WORD_BYTES ? output : outputHash;
}
