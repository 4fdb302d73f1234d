/** The files inside a Debian package. dpkg-deb unpacks; nothing is installed and no script of the package runs. */

import { posix } from "node:path";
import type { FoundPackage } from "./packages.ts";
import { BuildError, run } from "./run.ts";

interface PackedFile {
  /** Where a symbolic or hard link points; null for a file. */
  readonly link: string | null;
  readonly content: Uint8Array;
}

/** Files by path, without a leading slash; folders and devices are left out. */
export type PackedFiles = ReadonlyMap<string, PackedFile>;

export function readDebianPackage({ file }: FoundPackage): PackedFiles {
  return readTar(run("dpkg-deb", ["--fsys-tarfile", file]));
}

/** The content of a file, through links inside the package. @throws {BuildError} where it is not there */
export function contentOf(files: PackedFiles, path: string): Uint8Array {
  for (let at = path, steps = 0; steps < 8; steps += 1) {
    const found = files.get(at);
    if (found === undefined) break;
    if (found.link === null) return found.content;
    at = found.link.startsWith("/") ? found.link.slice(1) : posix.join(posix.dirname(at), found.link);
  }
  throw new BuildError(`${path} is in none of the packages`);
}

const BLOCK = 512;

/** ustar with GNU's long names, as dpkg-deb writes it (tar(5)). */
function readTar(tar: Buffer): PackedFiles {
  const files = new Map<string, PackedFile>();
  let longName: string | null = null;
  let longLink: string | null = null;
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const header = tar.subarray(at, at + BLOCK);
    const size = Number.parseInt(textOf(header.subarray(124, 136)), 8);
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === "L") {
      longName = textOf(content);
    } else if (type === "K") {
      longLink = textOf(content);
    } else {
      const path = posix.normalize(longName ?? textOf(header.subarray(0, 100)));
      const link = longLink ?? textOf(header.subarray(157, 257));
      if (type === "0" || type === "\0") files.set(path, { link: null, content });
      if (type === "2") files.set(path, { link, content });
      if (type === "1") files.set(path, { link: `/${posix.normalize(link)}`, content });
      longName = longLink = null;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString("utf8");
}
