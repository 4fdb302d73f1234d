import { PGlite } from "@electric-sql/pglite";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const MODULES = join(import.meta.dirname, "../../../node_modules");
const CACHE = join(MODULES, ".cache/adyton");

let made: Promise<string> | undefined;

/**
 * Puts what PGlite makes of an empty folder where the store at `path` will look for it. To make it takes seconds of
 * processor time and gives the same each time, so it is made once and copied. Tables and queues are the store's to make.
 */
export async function layBlankStore(path: string): Promise<void> {
  const source = await (made ??= makeBlank());
  cpSync(source, join(path, "pg"), { recursive: true });
}

async function makeBlank(): Promise<string> {
  const manifest = readFileSync(join(MODULES, "@electric-sql/pglite/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const place = join(CACHE, `pglite-${version}`);
  if (existsSync(place)) return place;
  mkdirSync(CACHE, { recursive: true });
  const own = mkdtempSync(join(CACHE, "making-"));
  await (await PGlite.create(own)).close();
  try {
    renameSync(own, place);
  } catch {
    // Another worker was first.
    rmSync(own, { recursive: true, force: true });
  }
  return place;
}
