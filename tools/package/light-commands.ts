/**
 * Bundles the commands that judge a file into one module, dist/cli/light.js: loading 380 modules one by one takes longer than the verdict.
 * Everything else that the command does stays one file a module.
 */

import { build, type Plugin } from "esbuild";
import { REQUIRE } from "./vendor.ts";

/** What asks a server, shows a page or builds an image. `bin.mjs` sends whoever wants that to main.js. */
const LEFT_OUT = /\/(?:on-chain|server-certificate|from-source|show-file|page|page-server)\.ts$/;

/** Never reached from here: only named, where main.js finds the same code. */
const withoutServers: Plugin = {
  name: "without-servers",
  setup: (bundle) => {
    bundle.onResolve({ filter: LEFT_OUT }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path: path.replace(/\.ts$/, ".js"), external: true } : undefined,
    );
  },
};

/** commander can start a subcommand as a program of its own; none of ours is, and Node loads its sockets along with it. */
const withoutPrograms: Plugin = {
  name: "without-programs",
  setup: (bundle) => {
    bundle.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes("/commander/") ? { path: "none", namespace: "without-programs" } : undefined,
    );
    bundle.onLoad({ filter: /^none$/, namespace: "without-programs" }, () => ({
      contents: "module.exports = {};",
    }));
  },
};

/** @param source where the sources are: bundled from there, of each library only what is called comes along */
export async function bundleLightCommands(source: string, dist: string): Promise<void> {
  await build({
    entryPoints: [`${source}/cli/light.ts`],
    outfile: `${dist}/cli/light.js`,
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    banner: { js: REQUIRE },
    legalComments: "none",
    plugins: [withoutServers, withoutPrograms],
    // Names stay, and lines stay short: auditors read what they run, and a stack that somebody reports says where.
    ...{ minifyWhitespace: true, minifySyntax: true, lineLimit: 160 },
    logLevel: "error",
  });
}
