import { resolve } from "node:path";

/** Where recorded answers of real model APIs lie; they are not in this repository. */
export const RECORDINGS_FOLDER = resolve(
  process.env["ADYTON_FIXTURES"] ?? resolve(import.meta.dirname, "../../../../../shared/fixtures/model-apis"),
);
