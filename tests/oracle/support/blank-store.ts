import { PGlite } from "@electric-sql/pglite";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What PGlite makes of an empty folder; a folder in it has no content. In memory: there is nothing to clear away. */
type Blank = readonly { readonly name: string; readonly content: Buffer | null }[];

let made: Promise<Blank> | undefined;

/**
 * Puts what PGlite makes of an empty folder where the store at `path` will look for it. To make it takes seconds of
 * processor time and gives the same each time, so it is made once and copied. Tables and queues are the store's to make.
 */
export async function layBlankStore(path: string): Promise<void> {
  made ??= makeBlank();
  const place = join(path, "pg");
  mkdirSync(place, { recursive: true });
  for (const { name, content } of await made) {
    if (content === null) mkdirSync(join(place, name), { recursive: true });
    else writeFileSync(join(place, name), content);
  }
}

async function makeBlank(): Promise<Blank> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-blank-"));
  try {
    await (await PGlite.create(folder)).close();
    // A folder is listed before what is in it.
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
      const place = join(folder, name);
      return { name, content: statSync(place).isDirectory() ? null : readFileSync(place) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
