import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A copy of the sources in a folder of its own, with node_modules as a link, built there. */
function buildElsewhere(): { bundle: Buffer; manifest: string } {
  const folder = mkdtempSync(join(tmpdir(), "adyton-build-"));
  folders.push(folder);
  for (const name of [
    "enclave",
    "runtime",
    "endorsements",
    "client",
    "coprocessor",
    "protocol",
    "attestation",
    "tools",
    "package.json",
    "tsconfig.json",
  ])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return build(folder, join(folder, "image"));
}

function build(folder: string, out: string): { bundle: Buffer; manifest: string } {
  const { status, stderr } = spawnSync(process.execPath, [
    join(folder, "tools/build-enclave.ts"),
    "--out",
    out,
  ]);
  expect(stderr.toString()).toBe("");
  expect(status).toBe(0);
  return {
    bundle: readFileSync(join(out, "enclave.mjs")),
    manifest: readFileSync(join(out, "manifest.json"), "utf8"),
  };
}

test("builds in two folders and in this one are byte-identical, and the bundle refuses to start without its files", () => {
  const one = buildElsewhere();
  for (const other of [buildElsewhere(), build(root, join(folders[0] ?? "", "here"))]) {
    expect(one.bundle.equals(other.bundle)).toBe(true);
    expect(one.manifest).toBe(other.manifest);
  }
  const bundle = join(folders[0] ?? "", "image", "enclave.mjs");
  const started = spawnSync(process.execPath, [bundle], { env: {} });
  expect(started.status).toBe(1);
  expect(started.stderr.toString()).toContain("--behaviour FILE is missing");
});
