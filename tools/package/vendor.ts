/** Bundles the libraries that do not stay packages into dist/vendor, and points our modules at them. */

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, posix, relative, sep } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import ts from "typescript";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { staysPackage, type Manifest } from "./manifest.ts";

/** CommonJS modules among them ask for Node's own modules by `require`. */
export const REQUIRE = `import { createRequire as adytonCreateRequire } from "node:module";
const require = adytonCreateRequire(import.meta.url);`;

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly start: number;
  readonly end: number;
}

/** zod brings its messages in fifty languages, which nothing here chooses among: they would be 2 % of an installed adyton. */
const inEnglish: Plugin = {
  name: "in-english",
  setup: (bundle) => {
    bundle.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

export async function vendorLibraries(dist: string, manifest: Manifest): Promise<void> {
  const imports = globSync("**/*.js", { cwd: dist })
    .flatMap((file) => bareImports(dist, file))
    .filter(({ specifier }) => !isBuiltin(specifier) && !staysPackage(specifier, manifest));
  const specifiers = [...new Set(imports.map(({ specifier }) => specifier))].sort();
  const { metafile } = await build({
    entryPoints: specifiers.map((specifier) => ({ in: specifier, out: vendoredName(specifier) })),
    outdir: join(dist, "vendor"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    chunkNames: "shared-[hash]",
    banner: { js: REQUIRE },
    legalComments: "none",
    // Libraries tell errors apart by the names of their classes.
    ...{ minify: true, keepNames: true },
    external: [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)],
    plugins: [inEnglish],
    metafile: true,
    logLevel: "error",
  });
  redirect(dist, imports);
  writeLicences(join(dist, "vendor", "LICENSES.md"), metafile);
}

/** Imports and re-exports of packages, static and dynamic, with the place of the specifier between its quotes. */
function bareImports(dist: string, file: string): readonly Import[] {
  const text = readFileSync(join(dist, file), "utf8");
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.filter(({ fileName }) => !fileName.startsWith("."))
    .map(({ fileName, pos, end }) => {
      // TypeScript counts from the opening quote in some positions, and from behind it in others.
      const start = text.indexOf(fileName, pos);
      if (start > end) throw new Error(`${file}: no ${fileName} at ${pos}`);
      return { file, specifier: fileName, start, end: start + fileName.length };
    });
}

const vendoredName = (specifier: string): string =>
  specifier.replace(/\.js$/, "").replace(/^@/, "").replaceAll("/", "-");

function redirect(dist: string, imports: readonly Import[]): void {
  for (const [file, group] of Map.groupBy(imports, ({ file }) => file)) {
    const up = relative(dirname(file), "vendor").split(sep).join(posix.sep);
    const path = up.startsWith(".") ? up : `./${up}`;
    let text = readFileSync(join(dist, file), "utf8");
    // From the end, so that the places before stay right.
    for (const { specifier, start, end } of group.toSorted((one, other) => other.start - one.start))
      text = `${text.slice(0, start)}${path}/${vendoredName(specifier)}.js${text.slice(end)}`;
    writeFileSync(join(dist, file), text);
  }
}

/** The licence of each package whose code was bundled: their terms ask that it travels with the code. */
function writeLicences(target: string, { inputs }: Metafile): void {
  const folders = new Set(
    Object.keys(inputs).flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
  );
  const sections = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    ) as Record<"name" | "version" | "license", string>;
    const [text] = globSync("{LICENSE,LICENCE,license}*", { cwd: folder });
    return `## ${name} ${version} (${license})\n\n${text === undefined ? "" : readFileSync(join(folder, text), "utf8")}`;
  });
  createFolder(dirname(target));
  writeFileSync(target, `# Libraries bundled into this folder\n\n${sections.join("\n")}`);
}
