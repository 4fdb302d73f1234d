/**
 * `npm run build:enclave [-- --out FOLDER]`: the enclave as one file with nothing beside it but Node, and a manifest of
 * what is inside. The same sources give the same bytes, in any folder and on any day: reference values are computed from
 * them (docs/how-to/reference-values.md).
 */

import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { bundleEnclave } from "./enclave-bundle/bundle.ts";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: { out: { type: "string", default: join(root, "dist", "enclave-image") } },
});

const { contents, manifest } = await bundleEnclave();
createFolder(values.out);
writeFileSync(join(values.out, "enclave.mjs"), contents);
writeFileSync(join(values.out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
const thirdParty = manifest.packages.length - 1;
process.stdout.write(
  `${relative(process.cwd(), join(values.out, "enclave.mjs"))}\nsha256 ${manifest.sha256}\n` +
    `${manifest.bytes} bytes, ${thirdParty} packages: ${manifest.packages.map(({ name }) => name).join(", ")}\n`,
);
