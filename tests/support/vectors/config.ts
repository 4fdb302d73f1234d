import { resolve } from "node:path";

/** Where real evidence lies; it is not in this repository (docs/reference/vectors.md). */
export const VECTORS_FOLDER = resolve(
  process.env["ADYTON_VECTORS"] ?? resolve(import.meta.dirname, "../../../../shared/vectors"),
);

/** Checkouts of other projects' conformance suites, `owner+name` each; nothing by default. */
export const SUITES_FOLDER = process.env["ADYTON_SUITES"] ?? resolve(VECTORS_FOLDER, "checkouts");
