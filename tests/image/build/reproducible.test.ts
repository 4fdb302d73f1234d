/** `npm run build:image` gives the same bytes wherever it runs. */

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { authenticodeDigest, certificateTable } from "../../../image/pe.ts";
import { buildImage, behaviourWithoutModel, readManifest, ROOT } from "../support/built-image.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-two-builds-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const behaviour = await behaviourWithoutModel();

/** A copy of what git knows of, with other times, and node_modules as a link. */
function copyOfSources(): string {
  const copy = join(folder, "elsewhere", "copy");
  const listed = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  for (const name of listed.stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "")) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    copyFileSync(join(ROOT, name), join(copy, name));
    utimesSync(join(copy, name), 86_400, 86_400);
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

const TITLE =
  "two builds in two folders, with other times, zone, mask and a linked node_modules, are byte-identical";

/** Milliseconds: each build compresses 135 MB, half a minute on two quiet cores. */
test(TITLE, { timeout: 600_000 }, async () => {
  const one = await buildImage({ out: join(folder, "one"), behaviour });
  const other = await buildImage({
    root: copyOfSources(),
    out: join(folder, "other"),
    behaviour,
    env: { TZ: "Asia/Kathmandu", LC_ALL: "C", HOME: "/nonexistent" },
    before: "umask 077; cd /",
  });
  expect(readFileSync(join(other, "manifest.json"), "utf8")).toBe(
    readFileSync(join(one, "manifest.json"), "utf8"),
  );
  const names = readManifest(one).files.map(({ path }) => path);
  expect(names).toEqual(["vmlinuz", "initrd.zst", "cmdline", "adyton.efi", "adyton.eif", "nitro-proxy.yaml"]);
  for (const name of names)
    expect(readFileSync(join(other, name)).equals(readFileSync(join(one, name))), name).toBe(true);
});

test("the Authenticode digest computed here is the one that Debian signed inside its kernel", () => {
  const kernel = readFileSync(join(folder, "one/vmlinuz"));
  const table = Buffer.from(certificateTable(kernel));
  expect(table.length).toBeGreaterThan(1000);
  expect(table.includes(Buffer.from(authenticodeDigest(kernel, "sha256")))).toBe(true);
});
