/**
 * Writes tests/vectors/protocol/*.json and tests/vectors/coprocessor/*.json from the TypeScript implementation: `npm run
 * vectors:write`. Forge reads the same files, so a byte on which the two languages differ fails there; a change of the TypeScript
 * alone fails in tests/protocol/vectors.test.ts and its like, which compare these files with what this would write.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { coprocessorVectors } from "../tests/support/coprocessor-vectors.ts";
import { protocolVectors } from "../tests/support/protocol-vectors.ts";

for (const [set, files] of Object.entries({
  protocol: protocolVectors(),
  coprocessor: coprocessorVectors(),
})) {
  const folder = join(import.meta.dirname, "../tests/vectors", set);
  createFolder(folder);
  for (const [name, vectors] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(vectors, null, 2)}\n`);
    process.stderr.write(`tests/vectors/${set}/${name}.json\n`);
  }
}
