/** Named by the behaviour file: another version may read another text from the same bytes. */
export const EXTRACTOR = "htmlparser2 12.0.0, adyton 2";
