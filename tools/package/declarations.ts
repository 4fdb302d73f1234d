/** Rolls the declarations of what package.json exports into dist/, with the types of the bundled libraries inside. */

import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import { exportedModules, type Manifest } from "./manifest.ts";

/** Private types that are named, as zod's schemas name theirs; and an order of execution, which types do not have. */
const HARMLESS = ["PLUGIN_WARNING", "CYCLIC_CROSS_CHUNK_REEXPORT"];

export async function bundleDeclarations(
  declarations: string,
  dist: string,
  manifest: Manifest,
): Promise<void> {
  const input = Object.fromEntries(
    exportedModules(manifest).map((module) => [module, join(declarations, `${module}.d.ts`)]),
  );
  const bundle = await rollup({
    input,
    plugins: [dts({ respectExternal: true })],
    onwarn: ({ code, message }) => {
      if (!HARMLESS.includes(code ?? "")) throw new Error(message);
    },
  });
  await bundle.write({ dir: dist, format: "es", chunkFileNames: "types/[name]-[hash].d.ts" });
  for (const file of globSync("**/*.d.ts.map", { cwd: dist })) rmSync(join(dist, file));
}
