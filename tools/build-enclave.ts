/**
 * `npm run build:enclave [-- --out FOLDER]`: the enclave as one file with nothing beside it but Node, and a manifest of
 * what is inside. The same sources give the same bytes, in any folder and on any day: reference values are computed from
 * them (docs/how-to/reference-values.md).
 */

import { build, version as bundlerVersion } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { leaveOut } from "./enclave-bundle/left-out.ts";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: { out: { type: "string", default: join(root, "dist", "enclave-image") } },
});

const result = await build({
  plugins: [leaveOut],
  absWorkingDir: root,
  entryPoints: ["enclave/main.ts"],
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  outfile: "enclave.mjs",
  write: false,
  metafile: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  sourcemap: false,
  // Packages written for CommonJS ask for Node's modules with require.
  banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
});
const [bundle] = result.outputFiles;
if (bundle === undefined) throw new Error("the bundler made no file");

/** `node_modules/@scope/name` of an input, or null for a file of ours. */
function packageOf(input: string): string | null {
  return /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(input)?.[1] ?? null;
}

const inside = Object.entries(result.metafile.outputs["enclave.mjs"]?.inputs ?? {}).filter(
  ([, { bytesInOutput }]) => bytesInOutput > 0,
);
const bytesByPackage = new Map<string, number>();
for (const [input, { bytesInOutput }] of inside) {
  const name = packageOf(input) ?? "(adyton)";
  bytesByPackage.set(name, (bytesByPackage.get(name) ?? 0) + bytesInOutput);
}
const packages = [...bytesByPackage]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, bytes]) => ({ name, version: versionOf(name), bytes }));

function versionOf(name: string): string {
  const manifest = name === "(adyton)" ? "package.json" : join("node_modules", name, "package.json");
  return (JSON.parse(readFileSync(join(root, manifest), "utf8")) as { version: string }).version;
}

const sha256 = createHash("sha256").update(bundle.contents).digest("hex");
const manifest = {
  file: "enclave.mjs",
  sha256,
  bytes: bundle.contents.length,
  esbuild: bundlerVersion,
  packages,
  sources: inside
    .map(([input]) => input)
    .filter((input) => packageOf(input) === null)
    .sort(),
};
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "enclave.mjs"), bundle.contents);
writeFileSync(join(values.out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
const thirdParty = packages.length - 1;
process.stdout.write(
  `${relative(process.cwd(), join(values.out, "enclave.mjs"))}\nsha256 ${sha256}\n` +
    `${manifest.bytes} bytes, ${thirdParty} packages: ${packages.map(({ name }) => name).join(", ")}\n`,
);
