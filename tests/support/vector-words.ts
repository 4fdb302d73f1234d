import * as p from "../../protocol/index.ts";

/** A value that names itself: readable in a diff, different for each label. */
export const word = (label: string): p.Hex => p.keccakText(`adyton vector ${label}`);
export const account = (label: string): p.Hex => `0x${word(label).slice(-40)}`;

export const ANSWER_PRIVATE_KEY = p.fromHex(word("answer private key"));
