/** The behaviour file's section on what a prompt names: images, documents and pages by their URL, and views of contracts. Without it this enclave fetches none. */

import * as z from "zod";
import { MAX_FILE_BYTES } from "../../runtime/models/media.ts";

const origin = z.string().refine((text) => URL.parse(text)?.origin === text && text.startsWith("https://"), {
  error: "expected an https origin, such as https://api.example.com",
});

/** Headers that belong to the connection, or that would make one asker's fetch another's. */
const OWN_HEADERS = /^(?:accept|accept-language|user-agent|from)$/;

/** Bytes of all pages of a prompt, as they arrive, and of all texts read from them: a receipt holds both, and the texts once for each model. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;
const MAX_TEXT_BYTES = 128 * 1024;

export const PAGE_TYPES = [
  "text/html",
  "application/xhtml+xml",
  "text/plain",
  "text/markdown",
  "text/csv",
  "application/json",
] as const;
export const PAGE_ENCODINGS = ["gzip", "br"] as const;

const PageSettings = z
  .strictObject({
    /** What reads text from a page; the enclave does not start with another. */
    extractor: z.string().min(1).max(64),
    types: z
      .array(z.enum(PAGE_TYPES))
      .min(1)
      .default([...PAGE_TYPES]),
    /** Content codings that are asked for beside `identity`. */
    encodings: z.array(z.enum(PAGE_ENCODINGS)).default([...PAGE_ENCODINGS]),
    /** Pages of one prompt. */
    most: z.int().min(1).max(32).default(4),
    /** Bytes of one page: as they arrive, expanded, and of the text that the model is given; a longer text is cut, and says so. */
    bodyBytes: z
      .int()
      .min(1)
      .max(MAX_PAGE_BYTES)
      .default(512 * 1024),
    decodedBytes: z
      .int()
      .min(1)
      .max(8 * 1024 * 1024)
      .default(2 * 1024 * 1024),
    textBytes: z
      .int()
      .min(1)
      .max(MAX_TEXT_BYTES)
      .default(32 * 1024),
  })
  .refine(({ most, bodyBytes }) => most * bodyBytes <= MAX_PAGE_BYTES, {
    error: `all pages of a prompt together have at most ${MAX_PAGE_BYTES} bytes`,
    path: ["bodyBytes"],
  })
  .refine(({ most, textBytes }) => most * textBytes <= MAX_TEXT_BYTES, {
    error: `all texts of a prompt together have at most ${MAX_TEXT_BYTES} bytes`,
    path: ["textBytes"],
  });

export type PageSettings = z.output<typeof PageSettings>;

const ReadSettings = z.strictObject({
  /** By chain id: a JSON-RPC server that has `eth_getProof`. What it shows is proven, so that it is believed in nothing. */
  servers: z
    .record(
      z.string().regex(/^[1-9][0-9]{0,77}$/, { error: "expected a chain id" }),
      z.string().refine((text) => URL.parse(text)?.protocol === "https:", { error: "expected an https URL" }),
    )
    .refine((servers) => Object.keys(servers).length <= 256, { error: "too many chains" }),
  /** Reads of one prompt. */
  most: z.int().min(1).max(16).default(4),
  /** Bytes of one value, as the model is told it. */
  textBytes: z
    .int()
    .min(1)
    .max(32 * 1024)
    .default(4 * 1024),
});

export const SourceSettings = z.strictObject({
  /** Origins that prompts may name; `public`: all of the public Internet. */
  hosts: z.union([z.literal("public"), z.array(origin).max(256)]),
  /** `any-for-testing`: also this machine and private networks. Visible to every policy, because it is in this file. */
  addresses: z.enum(["public", "any-for-testing"]),
  /** Sent with each request, beside those of the connection. */
  headers: z
    .record(
      z.string().regex(OWN_HEADERS, { error: "expected accept, accept-language, user-agent or from" }),
      z.string().regex(/^[\x20-\x7e]{1,256}$/),
    )
    .default({}),
  /** Seconds for all that one prompt names. */
  seconds: z.int().min(1).max(300).default(30),
  /** Bytes of one image or document. */
  fileBytes: z.int().min(1).max(MAX_FILE_BYTES).default(MAX_FILE_BYTES),
  /** Without it no page is read. */
  pages: PageSettings.optional(),
  /** Without it no contract is read. */
  reads: ReadSettings.optional(),
});
export type SourceSettings = z.output<typeof SourceSettings>;
export type ReadSettings = z.output<typeof ReadSettings>;
