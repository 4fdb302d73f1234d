/**
 * Writes tests/vectors/protocol/*.json from the TypeScript implementation: `npm run vectors:write`. Forge reads the
 * same files, so a byte on which the two languages differ fails there; a change of the TypeScript alone fails in
 * tests/protocol/vectors.test.ts, which compares these files with what this would write.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { protocolVectors } from "../tests/support/protocol-vectors.ts";

const folder = new URL("../tests/vectors/protocol/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, vectors] of Object.entries(protocolVectors())) {
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(vectors, null, 2)}\n`);
  process.stderr.write(`tests/vectors/protocol/${name}.json\n`);
}
