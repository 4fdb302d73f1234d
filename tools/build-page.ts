/** Builds the page that a node of this checkout serves, and does nothing when no source of it has changed since. */

import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFolder } from "../endorsements/files/create-folder.ts";

const ROOT = join(import.meta.dirname, "..");
/** Written with the page itself, as its last file. */
const PAGE = join(ROOT, "dist/web/page.json");
const STAMP = join(ROOT, "cache/page.stamp");
/** What web imports, and what builds it. */
const SOURCES = ["web", "attestation", "protocol", "runtime", "tools/web"];

function inputDigest(): string {
  const digest = createHash("sha256");
  const files = SOURCES.flatMap((folder) =>
    globSync(`${folder}/**/*.{ts,tsx,css,html,json,wasm,woff2}`, { cwd: ROOT }),
  );
  for (const file of [...files.sort(), "package-lock.json"])
    digest.update(`${file}\0`).update(readFileSync(join(ROOT, file)));
  return digest.digest("hex");
}

const digest = inputDigest();
const isBuilt = existsSync(PAGE) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === digest;
if (!isBuilt) {
  process.stderr.write("building the page, once for these sources\n");
  const { build } = await import("vite");
  await build({ configFile: join(ROOT, "tools/web/vite.config.ts"), logLevel: "error" });
  createFolder(join(ROOT, "cache"));
  writeFileSync(STAMP, digest);
}
