/** The fields of package.json that the build reads. */

import { readFileSync } from "node:fs";
import * as z from "zod";

const Manifest = z.looseObject({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
  peerDependencies: z.record(z.string(), z.string()).default({}),
  exports: z
    .record(z.string(), z.union([z.string(), z.looseObject({ types: z.string(), default: z.string() })]))
    .default({}),
});
export type Manifest = z.infer<typeof Manifest>;

export const readManifest = (file: string): Manifest =>
  Manifest.parse(JSON.parse(readFileSync(file, "utf8")));

/** The package that a bare specifier names: `@noble/curves` of `@noble/curves/nist.js`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Whether an installed adyton finds `specifier` as a package of its own. */
export function staysPackage(specifier: string, manifest: Manifest): boolean {
  const name = packageOf(specifier);
  return name in manifest.dependencies || name in manifest.peerDependencies;
}

/** Modules of dist/ whose types package.json exports, without their extension: `attestation/index`. */
export function exportedModules(manifest: Manifest): readonly string[] {
  const modules = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [entry.types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, "")],
  );
  return [...new Set(modules)];
}
