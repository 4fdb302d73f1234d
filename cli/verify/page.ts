/** `adyton verify --page URL`: whether what a server gives as the page is the page of this version, byte for byte. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { readAtMost } from "../../client/read-at-most.ts";
import { PAGE_FILE } from "../../oracle/http/page-files.ts";
import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { pageHash, PLACEHOLDER, type PageFile } from "../../protocol/page-hash.ts";
import { ExitCode } from "../exit-codes.ts";
import { paint, wrap } from "../terminal.ts";
import { LINE_COLUMNS } from "./wording.ts";

/** Bytes: the largest file of a page is its worker, of 0.5 MB. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const TIMEOUT_MS = 20_000;

const PageList = z.object({
  version: z.literal(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  files: z
    .array(
      z.object({
        path: z.string().regex(/^[A-Za-z0-9._/-]{1,128}$/),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(200),
});
export type PageList = z.output<typeof PageList>;

export interface PageVerdict {
  readonly url: string;
  /** Hash of the page that the verdict is made against: the one of this version, or `null` where only `hash` was given. */
  readonly expected: string;
  /** Hash of what the server gives. */
  readonly found: string;
  readonly same: boolean;
  /** Files that differ, are missing, or are there beside the expected ones. */
  readonly differing: readonly {
    readonly path: string;
    readonly how: "differs" | "missing" | "not expected";
  }[];
  readonly files: number;
}

/** The page of this installation, as its own list has it. */
export function readOwnPage(folder: string): PageList {
  return PageList.parse(JSON.parse(readFileSync(join(folder, "page.json"), "utf8")));
}

/**
 * Fetches every file of `expected` and what the server lists beside them. Nothing that the server says of itself is believed: the
 * hash is made of the bytes that came.
 *
 * @throws {UpstreamError} ENCLAVE_UNAVAILABLE when nobody answers; {InputError} when there is no page
 */
export async function judgePage(url: string, expected: PageList): Promise<PageVerdict> {
  const base = toBase(url);
  const listed = await fetchList(base);
  const paths = new Set([...expected.files, ...listed.files].map(({ path }) => path));
  const wanted = new Map(expected.files.map(({ path, sha256 }) => [path, sha256]));
  const found: PageFile[] = [];
  const differing: PageVerdict["differing"][number][] = [];
  for (const path of [...paths].sort()) {
    const digest = await fetchDigest(base, path, expected.hash);
    if (digest !== null) found.push({ path, sha256: digest });
    const want = wanted.get(path);
    if (want === undefined) differing.push({ path, how: "not expected" });
    else if (digest === null) differing.push({ path, how: "missing" });
    else if (digest !== want) differing.push({ path, how: "differs" });
  }
  const hash = pageHash(found);
  return {
    url: base.href,
    expected: expected.hash,
    found: hash,
    same: differing.length === 0 && hash === expected.hash,
    differing,
    files: found.length,
  };
}

function toBase(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new InputError({ code: "INPUT_INVALID", message: `${url} is no http or https URL` });
  base.hash = "";
  base.search = "";
  // `…/verify.html` and `…/` are one page.
  base.pathname = base.pathname.replace(/[^/]*$/, "");
  return base;
}

async function fetchList(base: URL): Promise<PageList> {
  const reply = await get(new URL("page.json", base));
  if (reply === null) {
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: `${base.href} gives no page.json: no page of Adyton is there`,
    });
  }
  try {
    return PageList.parse(JSON.parse(fromUtf8(reply)));
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${base.href}page.json is no list of a page`,
      cause,
    });
  }
}

/** Of a document the hash stands inside of it: with `PLACEHOLDER` in its place, if it is the expected one. */
async function fetchDigest(base: URL, path: string, hash: string): Promise<string | null> {
  if (!PAGE_FILE.test(`/${path}`)) return null;
  const bytes = await get(new URL(path, base));
  if (bytes === null) return null;
  const listed = path.endsWith(".html") ? toUtf8(fromUtf8(bytes).replace(hash, PLACEHOLDER)) : bytes;
  return createHash("sha256").update(listed).digest("hex");
}

async function get(url: URL): Promise<Uint8Array | null> {
  try {
    const reply = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const bytes = await readAtMost(reply, MAX_FILE_BYTES);
    return reply.ok ? bytes : null;
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: `nobody answers at ${url.origin}`,
      cause,
    });
  }
}

const LIMIT =
  "This is what the server gave here and now: it can give somebody else another page, and its own page can never vouch for it. What you verify with has to be yours.";

export function describePage({ same, url, expected, found, differing, files }: PageVerdict): string {
  const headline = same
    ? paint.strong(paint.good("The page of this version."))
    : paint.strong(paint.bad("Another page."));
  const row = (text: string): string => wrap(`  ${text}`, 2, LINE_COLUMNS);
  return [
    headline,
    row(
      same
        ? `${files} files of ${url} are those of this version, byte for byte.`
        : `${url} gives other files than this version has.`,
    ),
    `  expected ${expected}`,
    `  found    ${found}`,
    ...differing.map(({ path, how }) => `  ${how.padEnd(12)}  ${path}`),
    row(LIMIT),
    "",
  ].join("\n");
}

export const pageStatus = ({ same }: PageVerdict): ExitCode => (same ? ExitCode.ok : ExitCode.notGenuine);
