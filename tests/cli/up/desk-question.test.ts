/** Rule: what the page of `adyton up` sends becomes the prompt that `adyton ask` would send, or is refused before anything is paid. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readQuestion } from "../../../cli/up/desk-question.ts";
import { Mime, PartKind } from "../../../protocol/prompt-part.ts";
import { OutputKind } from "../../../protocol/prompt.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { DOCUMENT, PNG } from "../../enclave/support/media.ts";

const ORIGIN = "https://127.0.0.1:8";
const plain = { question: "Is it?", model: "b/2", returns: "" };
const png = { name: "a.png", base64: PNG };
const hashOf = (base64: string): string => keccak(Buffer.from(base64, "base64"));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-desk-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const read = (question: object, files: "served" | "none" = "served") =>
  readQuestion(question, {
    model: "a/1",
    models: ["a/1", "b/2"],
    files: files === "none" ? null : { folder: join(folder, "served"), origin: ORIGIN },
  });

test("a question alone is as it was asked, of a model that the network has", () => {
  expect(read(plain)).toMatchObject({
    models: ["b/2"],
    messages: [{ content: "Is it?" }],
    format: { kind: OutputKind.text },
    parts: [],
  });
  expect(read({ ...plain, model: "nobody/0", returns: "(bool yes)" })).toMatchObject({
    models: ["a/1"],
    format: { kind: OutputKind.abi, schema: "(bool yes)" },
  });
});

test("pages come first, and files are what their bytes say, served under their hash", () => {
  const { parts } = read({
    ...plain,
    pages: ["https://news.example/a#b"],
    files: [{ name: "a.txt", base64: DOCUMENT }, png],
  });
  expect(parts).toEqual([
    { kind: PartKind.page, url: "https://news.example/a" },
    {
      kind: PartKind.document,
      mime: Mime.pdf,
      hash: hashOf(DOCUMENT),
      uri: `${ORIGIN}/files/${hashOf(DOCUMENT)}`,
    },
    { kind: PartKind.image, mime: Mime.png, hash: hashOf(PNG), uri: `${ORIGIN}/files/${hashOf(PNG)}` },
  ]);
  expect(readFileSync(join(folder, "served", hashOf(PNG)))).toEqual(Buffer.from(PNG, "base64"));
});

const megabyte = {
  name: "b.png",
  base64: Buffer.concat([Buffer.from(PNG, "base64"), Buffer.alloc(2 ** 20)]),
};

test.for([
  ["a page over plain http", { pages: ["http://news.example/"] }, "INPUT_INVALID"],
  ["a page with credentials", { pages: ["https://a:b@news.example/"] }, "INPUT_INVALID"],
  ["a file that is neither image nor document", { files: [{ name: "a", base64: "aGk=" }] }, "INPUT_INVALID"],
  ["no base64", { files: [{ name: "a.png", base64: `${PNG}\n` }] }, "INPUT_INVALID"],
  [
    "files that are too large together",
    { files: [0, 1].map(() => ({ ...megabyte, base64: megabyte.base64.toString("base64") })) },
    "INPUT_TOO_LARGE",
  ],
] as const)("refuses %s", ([, change, code]) => {
  expect(() => read({ ...plain, ...change })).toThrow(expect.objectContaining({ code }));
});

test("refuses a file where the network serves none, and keeps nothing of a question that it refuses", () => {
  expect(() => read({ ...plain, files: [png] }, "none")).toThrow(
    expect.objectContaining({ code: "INPUT_INVALID" }),
  );
  expect(() => read({ ...plain, pages: ["ftp://x"], files: [png] })).toThrow();
  expect(existsSync(join(folder, "served"))).toBe(false);
});

test.for([
  ["a field that nobody knows", { more: 1 }],
  ["no question", { question: " " }],
  ["more pages than a prompt has parts", { pages: Array<string>(33).fill("https://news.example/") }],
] as const)("refuses %s by its form", ([, change]) => {
  expect(() => read({ ...plain, ...change })).toThrow(expect.objectContaining({ name: "ZodError" }));
});
