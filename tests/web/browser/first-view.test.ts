/** How much a document is before it can be seen: its first view is held to a size. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage, filesIn } from "../support/built-page.ts";
import { DOCUMENTS } from "../support/documents.ts";

const MOST_BYTES = 100_000;

describe("the first view", () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-first-"));
    await buildPage(folder);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(DOCUMENTS)("of %s is at most 100 KB, compressed, fonts and all", ([, name]) => {
    const html = readFileSync(join(folder, name), "utf8");
    const loaded = [...html.matchAll(/(?:src|href)="\.\/([^"#]+)"/g)].map(([, path]) => path ?? "");
    const fonts = filesIn(folder).filter((path) => path.endsWith(".woff2"));
    expect(loaded.length).toBeGreaterThan(1);
    const bytes = [name, ...loaded, ...fonts].reduce(
      (sum, path) => sum + gzipSync(readFileSync(join(folder, path))).length,
      0,
    );
    process.stderr.write(`${name}: ${bytes} bytes gzip\n`);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  });
});
