/** Elements of the proof's field on a wire: words as lower-case hex, of which there is one for each. */

import * as z from "zod";
import { toHex } from "../../protocol/bytes.ts";
import { bytes32 } from "../../protocol/fields.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import { FIELD_ORDER } from "../ledger/poseidon-tree-hash.ts";

const word = z.codec(bytes32, z.bigint(), { decode: BigInt, encode: (value) => toHex(uintWord(value)) });

/** A number of 256 bits, such as a scalar of Grumpkin, whose order is above the field's. */
export const scalar = word;

/** A second spelling of an element would be signed, and fit no proof. */
export const element = word.refine((value) => value < FIELD_ORDER, {
  error: "expected an element of the field",
});
