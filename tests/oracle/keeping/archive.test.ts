import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Archive } from "../../../oracle/keeping/archive.ts";
import { createBucketArchive } from "../../../oracle/keeping/bucket-archive.ts";
import { createFolderArchive } from "../../../oracle/keeping/folder-archive.ts";
import { checkArchive } from "../../../oracle/keeping/open-archive.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { type BucketServer, startBucketServer } from "../support/bucket-server.ts";

let folder: string;
let server: BucketServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-archive-"));
  server = await startBucketServer();
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");

describe.for<[string, () => Archive]>([
  ["a folder", () => createFolderArchive(folder)],
  ["a bucket", () => createBucketArchive(server.bucket)],
])("an archive in %s", ([, open]) => {
  test("gives back what was put, after it was put again too, and nothing under other names", async () => {
    const archive = open();
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256);
    await archive.put("requests/ab/0xab.json.gz", bytes);
    expect(await archive.get("requests/ab/0xab.json.gz")).toEqual(
      expect.objectContaining({ length: 100_000 }),
    );
    await archive.put("requests/ab/0xab.json.gz", toUtf8("again"));
    expect(textOf(await archive.get("requests/ab/0xab.json.gz"))).toBe("again");
    expect(await archive.get("requests/ab/0xac.json.gz")).toBeUndefined();
    expect(await archive.get("requests/cd/0xcd.json.gz")).toBeUndefined();
  });

  test("is found fit by writing and reading", async () => {
    await expect(checkArchive(open())).resolves.toBeUndefined();
  });
});

test("a folder holds no half of a thing: it is written beside, and renamed", async () => {
  const archive = createFolderArchive(folder);
  await archive.put("whole/one", toUtf8("one"));
  expect(readdirSync(join(folder, "whole"))).toEqual(["one"]);
});

test("a folder below /proc is no folder either, and nobody waits for it", async () => {
  const archive = createFolderArchive("/proc/nope/archive");
  await expect(archive.put("x/y", toUtf8("z"))).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
});

test("a folder that cannot be used is no folder without the thing", async () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  const archive = createFolderArchive(file);
  await expect(archive.put("x/y", toUtf8("z"))).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
  await expect(archive.get("x/y")).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
});

test.for<[string, object]>([
  ["a wrong secret key", { secretAccessKey: "another" }],
  ["an account that is not known", { accessKeyId: "another" }],
  ["a bucket that is not there", { bucket: "nowhere" }],
  ["a server that is not there", { endpoint: "http://127.0.0.1:1" }],
])("a bucket with %s is no bucket without the thing, and the error holds no key", async ([, change]) => {
  const archive = createBucketArchive({ ...server.bucket, ...change });
  // One after the other: a call that is refused while nobody waits for it yet ends the run of a busy machine.
  for (const call of [() => archive.put("x", toUtf8("y")), () => archive.get("x")]) {
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ARCHIVE_UNAVAILABLE", retryable: true });
    expect(String(error)).not.toContain("secretAccessKey");
  }
});
