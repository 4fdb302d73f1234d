/**
 * What a host could do with NODE_COMPILE_CACHE, done to the bundle that is deployed: Node runs code from the cache in place of the
 * file's, whose hash stays what it was. Nothing inside the bundle can refuse this, since the check is what is replaced. What prevents
 * it is an empty environment, which the measured init and the container's entry point give it.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
/** The bundle's first act, and what the host puts in its place: as long, so that every other position stays. */
const CHECK = "checkSurroundings(processSurroundings());";
const PLANTED = 'process.stdout.write("planted");'.padEnd(CHECK.length, ";");
/** In the header of a cached file (Node's compile_cache.cc): the CRC-32 of the source that it is taken for. */
const CODE_HASH_OFFSET = 12;

let folder: string;
let bundle: string;
let cache: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-compile-cache-"));
  bundle = join(folder, "enclave.mjs");
  cache = join(folder, "cache");
  const built = spawnSync(process.execPath, [join(root, "tools/build-enclave.ts"), "--out", folder]);
  expect(built.stderr.toString()).toBe("");
  plant();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Has Node compile a bundle with the check replaced, and passes the result off as that of the genuine one. */
function plant(): void {
  const genuine = readFileSync(bundle);
  const planted = genuine.toString().replace(CHECK, PLANTED);
  expect(planted).not.toBe(genuine.toString());
  writeFileSync(bundle, planted);
  expect(run({ NODE_COMPILE_CACHE: cache }).stdout).toBe("planted");
  writeFileSync(bundle, genuine);
  const file = readdirSync(cache, { recursive: true, encoding: "utf8" }).find(
    (name) => /[0-9a-f]{8}$/.test(name) && name.includes("/"),
  );
  const path = join(cache, file ?? "");
  const compiled = readFileSync(path);
  compiled.writeUInt32LE(crc32(genuine), CODE_HASH_OFFSET);
  writeFileSync(path, compiled);
}

/** Without its files the enclave ends after its checks. */
function run(env: Record<string, string>): { readonly stdout: string; readonly stderr: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [bundle], { env, encoding: "utf8" });
  return { stdout, stderr };
}

const sha256 = (): string => createHash("sha256").update(readFileSync(bundle)).digest("hex");

test("a cache in the environment changes what the bundle does, whose hash is unchanged", () => {
  const { sha256: built } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
    readonly sha256: string;
  };
  expect(sha256()).toBe(built);
  // Either the planted code runs, or the bundle's own does in the planted code's scope, and fails: V8 drops from the cache what a
  // garbage collection found idle. The check of the surroundings was passed over in both.
  const { stdout, stderr } = run({ NODE_COMPILE_CACHE: cache });
  expect([stdout, stderr]).not.toEqual(Object.values(run({})));
  expect(stdout === "planted" || stderr.includes("checkSurroundings is not defined")).toBe(true);
});

test("with the empty environment that it is deployed with, the bundle's own code runs beside the same cache", () => {
  expect(run({})).toMatchObject({ stdout: "", stderr: expect.stringContaining("--behaviour") as string });
});

test("a cache of anything else in the environment is refused by the bundle's first act", () => {
  const { stdout, stderr } = run({ NODE_COMPILE_CACHE: join(folder, "another") });
  expect(stdout).toBe("");
  expect(stderr).toContain("does not start with NODE_COMPILE_CACHE set");
});

test("every deployment starts it with an empty environment", () => {
  const init = readFileSync(join(root, "enclave/init/init.c"), "utf8");
  expect(init).toContain("static const char *const environment[] = {NULL};");
  expect(readFileSync(join(root, "enclave/deploy/Containerfile"), "utf8")).toMatch(/ENTRYPOINT \[[^\]]*"-i"/);
});
