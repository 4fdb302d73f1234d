/**
 * The enclave as one file with nothing beside it but Node, and what is inside it. The same sources give the same bytes, in any
 * folder and on any day, whether node_modules is a folder or a link.
 */

import { build, version as bundlerVersion } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embedSandbox } from "./embed-sandbox.ts";
import { embedWebAssembly } from "./embed-web-assembly.ts";
import { leaveOut } from "./left-out.ts";

const root = join(import.meta.dirname, "../..");

export interface EnclaveBundle {
  readonly contents: Uint8Array;
  readonly manifest: {
    readonly file: "enclave.mjs";
    readonly sha256: string;
    readonly bytes: number;
    readonly esbuild: string;
    readonly packages: readonly { readonly name: string; readonly version: string; readonly bytes: number }[];
    readonly sources: readonly string[];
  };
}

export async function bundleEnclave(): Promise<EnclaveBundle> {
  const result = await build({
    plugins: [leaveOut, embedWebAssembly, embedSandbox],
    absWorkingDir: root,
    entryPoints: ["enclave/main.ts"],
    // Paths are names inside the bundle: those of a linked node_modules would be the link's target.
    preserveSymlinks: true,
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
    // Its form for Node declares a `require` of its own beside ours, for threads that nobody here starts.
    alias: { fflate: "fflate/browser" },
    // Packages written for CommonJS ask for Node's modules with require.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
  const [bundle] = result.outputFiles;
  if (bundle === undefined) throw new Error("the bundler made no file");
  const inside = Object.entries(result.metafile.outputs["enclave.mjs"]?.inputs ?? {}).filter(
    ([, { bytesInOutput }]) => bytesInOutput > 0,
  );
  const bytesByPackage = new Map<string, number>();
  for (const [input, { bytesInOutput }] of inside) {
    const name = packageOf(input) ?? OURS;
    bytesByPackage.set(name, (bytesByPackage.get(name) ?? 0) + bytesInOutput);
  }
  return {
    contents: bundle.contents,
    manifest: {
      file: "enclave.mjs",
      sha256: createHash("sha256").update(bundle.contents).digest("hex"),
      bytes: bundle.contents.length,
      esbuild: bundlerVersion,
      packages: [...bytesByPackage]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, bytes]) => ({ name, version: versionOf(name), bytes })),
      sources: inside
        .map(([input]) => input)
        .filter((input) => packageOf(input) === null)
        .sort(),
    },
  };
}

const OURS = "(adyton)";

/** `node_modules/@scope/name` of an input, or null for a file of ours. */
function packageOf(input: string): string | null {
  return /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(input)?.[1] ?? null;
}

function versionOf(name: string): string {
  const manifest = name === OURS ? "package.json" : join("node_modules", name, "package.json");
  return (JSON.parse(readFileSync(join(root, manifest), "utf8")) as { version: string }).version;
}
