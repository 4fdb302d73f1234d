/** Rule: what `adyton ask` names is hashed as the enclave will read it, or refused with a reason before anything is paid. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readNamed, type Named, type Reading } from "../../../cli/ask/named-parts.ts";
import { findFile } from "../../../devnet/network-files.ts";
import { Mime, PartKind } from "../../../protocol/prompt-part.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { DOCUMENT, IMAGES, PNG } from "../../enclave/support/media.ts";

const NOTHING: Named = { pages: [], images: [], documents: [] };
const ORIGIN = "https://127.0.0.1:8";
const bytesOf = (base64: string): Buffer => Buffer.from(base64, "base64");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-named-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function reading(response: () => Response = () => new Response(null, { status: 404 })): Reading {
  return {
    files: { folder: join(folder, "served"), origin: ORIGIN },
    models: 1,
    download: () => Promise.resolve(response()),
  };
}

function place(name: string, bytes: Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

test("a file of this machine is served under its hash, and nothing else of its folder is", async () => {
  const named = { ...NOTHING, images: [place("a.png", bytesOf(PNG))] };
  const [read] = await readNamed(named, reading());
  const hash = keccak(bytesOf(PNG));
  expect(read?.part).toEqual({ kind: PartKind.image, mime: Mime.png, hash, uri: `${ORIGIN}/files/${hash}` });
  expect(read?.told).toMatch(/a\.png: image\/png, \d+ bytes, keccak 0x.*, served to the enclave at https/);
  const served = join(folder, "served");
  expect(findFile(served, `/files/${hash}`)).toEqual(readFileSync(join(folder, "a.png")));
  for (const path of [
    "/files/",
    "/files/../a.png",
    "/files/..%2fa.png",
    `/${hash}`,
    `/files/${keccak(bytesOf(""))}`,
  ])
    expect(findFile(served, path), path).toBeUndefined();
});

test("an image and a document of a server are hashed as they came", async () => {
  const jpeg = bytesOf(IMAGES["image/jpeg"]);
  const image = { ...NOTHING, images: ["https://files.example/b"] };
  const [picture] = await readNamed(
    image,
    reading(() => new Response(jpeg)),
  );
  const uri = "https://files.example/b";
  expect(picture?.part).toEqual({ kind: PartKind.image, mime: Mime.jpeg, hash: keccak(jpeg), uri });
  const pdf = bytesOf(DOCUMENT);
  const document = { ...NOTHING, documents: ["https://files.example/c"] };
  const [paper] = await readNamed(
    document,
    reading(() => new Response(pdf)),
  );
  expect(paper?.part).toMatchObject({ kind: PartKind.document, mime: Mime.pdf, hash: keccak(pdf) });
});

test("pages come first, in the order in which they are named", async () => {
  const named = {
    ...NOTHING,
    pages: ["https://b.example", "https://a.example/x#y"],
    images: [place("a.png", bytesOf(PNG))],
  };
  const parts = await readNamed(named, reading());
  expect(parts.map(({ part }) => ("url" in part ? part.url : part.kind))).toEqual([
    "https://b.example/",
    "https://a.example/x",
    PartKind.image,
  ]);
});

const elsewhere = (): Response =>
  new Response(null, { status: 302, headers: { location: "https://x.example/" } });
const large = (): Response => new Response(Buffer.alloc(2 * 1024 * 1024 + 1));

test.for([
  ["a page over plain http", { pages: ["http://news.example/"] }, "INPUT_INVALID", /nothing but https/],
  ["a page that is no URL", { pages: ["news.example"] }, "INPUT_INVALID", /nothing but https/],
  ["a URL with credentials", { pages: ["https://a:b@news.example/"] }, "INPUT_INVALID", /credentials/],
  [
    "an image over plain http",
    { images: ["http://files.example/a.png"] },
    "INPUT_INVALID",
    /nothing but https/,
  ],
  ["a file that is not there", { images: ["nowhere.png"] }, "INPUT_NOT_FOUND", /no such file/],
  ["an image that is not there", { images: ["https://files.example/a"] }, "INPUT_NOT_FOUND", /HTTP 404/],
  [
    "an image that redirects",
    { images: ["https://files.example/a"] },
    "INPUT_INVALID",
    /redirects to https:\/\/x/,
    elsewhere,
  ],
  ["an image too large", { images: ["https://files.example/a"] }, "INPUT_TOO_LARGE", /2,097,152/, large],
  [
    "text for an image",
    { images: ["https://files.example/a"] },
    "INPUT_INVALID",
    /not image\/png/,
    () => new Response("hi"),
  ],
  [
    "an image for a document",
    { documents: ["https://files.example/a"] },
    "INPUT_INVALID",
    /not application\/pdf/,
    () => new Response(bytesOf(PNG)),
  ],
] as const)("refuses %s", async ([, named, code, message, response]) => {
  await expect(readNamed({ ...NOTHING, ...named }, reading(response))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
  expect(existsSync(join(folder, "served"))).toBe(false);
});

test("all models of a panel share what a receipt holds of images", async () => {
  const half = Buffer.concat([bytesOf(PNG), Buffer.alloc(1024 * 1024)]);
  const named = { ...NOTHING, images: [place("half.png", half)] };
  await expect(readNamed(named, { ...reading(), models: 2 })).rejects.toMatchObject({
    code: "INPUT_TOO_LARGE",
  });
});

test("a network without a place for files says what to do", async () => {
  const named = { ...NOTHING, images: [place("a.png", bytesOf(PNG))] };
  await expect(readNamed(named, { ...reading(), files: null })).rejects.toMatchObject({
    message: expect.stringContaining("name its https URL") as string,
  });
});
