/**
 * `npm run vectors:fetch [FOLDER]`: brings the evidence of tests/vectors/attestation/manifest.json from its sources.
 *
 * A source names a repository, a commit and a path; `~` after the path says that the bytes lie inside that file, as hex,
 * base64, PEM, JSON text or a list of numbers. Whatever the form: the bytes kept are those whose SHA-256 the manifest
 * gives, and none other.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createFolder } from "../endorsements/files/create-folder.ts";

interface Source {
  readonly repo: string;
  readonly path: string;
  readonly commit: string;
}

interface Wanted {
  readonly file: string;
  readonly sha256: string;
  readonly source: Source;
}

interface Bundle {
  readonly file: string;
  readonly members: Readonly<Record<string, string | readonly string[]>>;
}

interface Manifest {
  readonly vectors: readonly Wanted[];
  readonly collateral: readonly { readonly file: string; readonly sha256: string; readonly src: Source }[];
  readonly bundles: readonly Bundle[];
}

const manifestUrl = new URL("../tests/vectors/attestation/manifest.json", import.meta.url);

/** A file of a public repository; the largest source is under 10 MB. */
const FETCH_TIMEOUT_MS = 30_000;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Certificates by the SHA-256 of their DER, as found in anything that was fetched: issuer chains are made of them. */
const certificates = new Map<string, Buffer>();
const downloaded = new Map<string, Promise<Buffer>>();

function download({ repo, path, commit }: Source): Promise<Buffer> {
  const [file = path] = path.split("~");
  const url = `https://raw.githubusercontent.com/${repo}/${commit}/${file.split("/").map(encodeURIComponent).join("/")}`;
  const known = downloaded.get(url);
  if (known !== undefined) return known;
  const body = fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) }).then(async (response) => {
    if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  });
  downloaded.set(url, body);
  return body;
}

/** Every way in which a text file may hold bytes. */
function* candidates(file: Buffer): Generator<Buffer> {
  yield file;
  const plain = file.toString("utf8");
  const unescaped = plain
    .replaceAll(String.raw`\n`, "\n")
    .replaceAll(String.raw`\"`, '"')
    .replaceAll(String.raw`\/`, "/");
  for (const text of new Set([plain, unescaped])) {
    for (const [run] of text.matchAll(/[0-9a-fA-F]{64,}/g)) yield Buffer.from(run, "hex");
    for (const [run] of text.matchAll(/(?:[0-9a-fA-F]{2,}["'\s\\+]*){32,}/g))
      yield Buffer.from(run.replace(/[^0-9a-fA-F]/g, ""), "hex");
    for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{40,}={0,2}/g)) yield Buffer.from(run, "base64");
    for (const [run] of text.matchAll(/(?:[A-Za-z0-9+/]{40,}\s+)+[A-Za-z0-9+/]*={0,2}/g))
      yield Buffer.from(run, "base64");
    for (const [run] of text.matchAll(/(?:\b(?:0x[0-9a-fA-F]{1,2}|\d{1,3})\b[\s,]*){64,}/g))
      yield Buffer.from([...run.matchAll(/0x[0-9a-fA-F]+|\d+/g)].map(([number]) => Number(number)));
    for (const [run] of text.matchAll(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n?/g)) {
      yield Buffer.from(run);
      yield Buffer.from(run.replace(/-----[^-]+-----/g, ""), "base64");
    }
    for (const start of text.matchAll(/\{\s*"(?:tcbInfo|enclaveIdentity)"/g))
      yield* jsonDocuments(text, start.index);
  }
}

/** A signed response, from its opening brace to each closing one that makes it JSON. */
function* jsonDocuments(text: string, start: number): Generator<Buffer> {
  const end = /"\s*\}/g;
  end.lastIndex = start;
  for (let match = end.exec(text); match !== null; match = end.exec(text)) {
    const document = text.slice(start, match.index + match[0].length);
    try {
      JSON.parse(document);
    } catch {
      continue;
    }
    yield Buffer.from(document);
    return;
  }
}

function collectCertificates(file: Buffer): void {
  const text = file.toString("latin1").replaceAll(String.raw`\n`, "\n");
  for (const [, body = ""] of text.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)) {
    const der = Buffer.from(body, "base64");
    certificates.set(sha256(der), der);
  }
}

async function fetchOne(folder: string, { file, sha256: expected, source }: Wanted): Promise<boolean> {
  const target = join(folder, file);
  if (existsSync(target) && sha256(readFileSync(target)) === expected) {
    collectCertificates(readFileSync(target));
    return true;
  }
  const body = await download(source);
  collectCertificates(body);
  for (const candidate of candidates(body)) {
    if (sha256(candidate) !== expected) continue;
    collectCertificates(candidate);
    createFolder(dirname(target));
    writeFileSync(target, candidate);
    return true;
  }
  return false;
}

const toPem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${(der.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`;

/** A bundle is put together from its parts: lists in hex, chains in PEM, documents as their signed text and signature. */
function writeBundle(folder: string, { file, members }: Bundle): boolean {
  const bundle: Record<string, string> = {};
  for (const [name, part] of Object.entries(members)) {
    if (typeof part !== "string") {
      const chain = part.map((hash) => certificates.get(hash));
      if (chain.includes(undefined)) return false;
      bundle[name] = chain.map((der) => toPem(der ?? Buffer.alloc(0))).join("");
      continue;
    }
    const path = join(folder, part);
    if (!existsSync(path)) return false;
    if (name.endsWith("crl")) {
      bundle[name] = readFileSync(path).toString("hex");
      continue;
    }
    const text = readFileSync(path, "utf8");
    const signature = /"signature"\s*:\s*"([0-9a-fA-F]+)"/.exec(text);
    const start = text.indexOf("{", 1);
    const end = text.lastIndexOf("}", text.lastIndexOf(signature?.[0] ?? "")) + 1;
    bundle[name] = text.slice(start, end);
    bundle[`${name}_signature`] = signature?.[1] ?? "";
  }
  createFolder(dirname(join(folder, file)));
  writeFileSync(join(folder, file), `${JSON.stringify(bundle, null, 1)}\n`);
  return true;
}

const folder = resolve(process.argv[2] ?? resolve(import.meta.dirname, "../../shared/vectors"));
const manifest = JSON.parse(readFileSync(manifestUrl, "utf8")) as Manifest;
const wanted = [
  ...manifest.vectors,
  ...manifest.collateral.map(({ src, ...entry }) => ({ ...entry, source: src })),
];
const missing: string[] = [];
for (const entry of wanted) {
  const isThere = await fetchOne(folder, entry).catch((error: unknown) => {
    console.error(String(error));
    return false;
  });
  if (!isThere) missing.push(entry.file);
}
for (const bundle of manifest.bundles)
  if (!existsSync(join(folder, bundle.file)) && !writeBundle(folder, bundle)) missing.push(bundle.file);
console.log(`${wanted.length + manifest.bundles.length - missing.length} files in ${folder}`);
if (missing.length > 0) {
  console.error(`not found at their sources (${missing.length}):\n${missing.join("\n")}`);
  process.exitCode = 1;
}
