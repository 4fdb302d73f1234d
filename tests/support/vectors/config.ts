import { resolve } from "node:path";

/** Where real evidence lies; it is not in this repository (docs/reference/vectors.md). */
export const VECTORS_FOLDER = resolve(
  process.env["ADYTON_VECTORS"] ?? resolve(import.meta.dirname, "../../../../shared/vectors"),
);
