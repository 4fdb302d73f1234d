/**
 * Builds dist/ for publishing: `npm run build`. Development needs no build, Node runs the sources.
 *
 * Our own modules stay one file each, and the commands that judge a file are bundled, for their start. Of the libraries,
 * those that package.json names as dependencies or peers stay
 * packages; the others are bundled into dist/vendor, so that whoever installs adyton gets what it uses and not the 60 MB
 * around it (ADR 67).
 */

import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { bundleDeclarations } from "./package/declarations.ts";
import { bundleLightCommands } from "./package/light-commands.ts";
import { readManifest } from "./package/manifest.ts";
import { vendorLibraries } from "./package/vendor.ts";

/** Folders that package.json exports to code; their source maps are kept. */
const LIBRARY = ["protocol", "attestation", "endorsements", "client"];
const DECLARATIONS = "cache/declarations";

rmSync("dist", { recursive: true, force: true });
rmSync(DECLARATIONS, { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json", "--declarationDir", DECLARATIONS], {
  stdio: ["ignore", 2, 2],
});
if (status !== 0) process.exit(status ?? 1);

const manifest = readManifest("package.json");
await vendorLibraries("dist", manifest);
await bundleDeclarations(DECLARATIONS, "dist", manifest);
keepMapsOfLibrary();
await bundleLightCommands(".", "dist");
keepUsedBindings();
shortenBindings();
chmodSync("dist/cli/main.js", 0o755);
cpSync("runtime/agents/sandbox", "dist/runtime/agents/sandbox", { recursive: true });
cpSync("coprocessor/circuits", "dist/coprocessor/circuits", { recursive: true });
await buildPage();

/** The page that a node serves: static files, with nothing of what builds them. */
async function buildPage(): Promise<void> {
  const { build } = await import("vite");
  await build({ configFile: "tools/web/vite.config.ts", logLevel: "warn" });
}

/** Bindings are generated of every contract, those of tests, benches and examples too: the package has those that its own code names. */
function keepUsedBindings(): void {
  const folder = "dist/contracts/bindings";
  const code = globSync("dist/**/*.js").filter((file) => !file.startsWith(`${folder}/`));
  const named = code.flatMap((file) => readFileSync(file, "utf8").match(/\b\w+__factory\b/gu) ?? []);
  const used = [...new Set(named)].sort();
  for (const file of globSync(`${folder}/**/*.js`))
    if (!used.some((name) => file === `${folder}/factories/${name}.js`)) rmSync(file);
  const exportsFrom = (path: string): string =>
    used.map((name) => `export { ${name} } from "${path}${name}.js";\n`).join("");
  writeFileSync(`${folder}/factories/index.js`, exportsFrom("./"));
  writeFileSync(`${folder}/index.js`, exportsFrom("./factories/"));
}

/** Half of what is generated of contracts is the space between the words of their interfaces. */
function shortenBindings(): void {
  for (const file of globSync("dist/contracts/bindings/**/*.js"))
    writeFileSync(file, withoutSpace(readFileSync(file, "utf8")));
}

/** Names stay, and lines stay short: a stack that somebody reports still says where. */
function withoutSpace(code: string): string {
  return transformSync(code, { minifyWhitespace: true, lineLimit: 160, format: "esm" }).code;
}

/** Source maps (each with its source inside) and comments are for whoever steps into the library; the commands do without. */
function keepMapsOfLibrary(): void {
  for (const file of globSync("dist/**/*.js.map")) {
    if (LIBRARY.some((folder) => file.startsWith(`dist/${folder}/`))) continue;
    rmSync(file);
    const module = file.slice(0, -".map".length);
    writeFileSync(module, withoutSpace(readFileSync(module, "utf8")));
  }
}
