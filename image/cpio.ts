/** initramfs archives: cpio "newc" (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). Same entries, same bytes. */

import { concatBytes, toUtf8 } from "../protocol/bytes.ts";

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** File type and permissions, as stat(2) has them: 0o100444, 0o040755. */
  readonly mode: number;
  readonly content: Uint8Array;
}

const TYPE = 0o170000;
const DIRECTORY = 0o040000;
const ALIGNMENT = 4;
const BLOCK = 512;

/** Sorted by path, parents added, every owner root and every time zero. @throws {TypeError} for a path that is there twice */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const all = new Map<string, CpioEntry>();
  for (const entry of entries) {
    if (all.has(entry.path)) throw new TypeError(`${entry.path} is in the archive twice`);
    all.set(entry.path, entry);
  }
  for (const { path } of entries)
    for (const parent of parentsOf(path)) if (!all.has(parent)) all.set(parent, directory(parent));
  const sorted = [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const trailer = { path: "TRAILER!!!", mode: 0, content: new Uint8Array() };
  const parts = [...sorted.flatMap((entry, index) => record(entry, index + 1)), ...record(trailer, 0)];
  const length = parts.reduce((total, part) => total + part.length, 0);
  return concatBytes(...parts, padding(length, BLOCK));
}

export function directory(path: string): CpioEntry {
  return { path, mode: DIRECTORY | 0o755, content: new Uint8Array() };
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

const padding = (length: number, to: number): Uint8Array => new Uint8Array((to - (length % to)) % to);

function record({ path, mode, content }: CpioEntry, inode: number): readonly Uint8Array[] {
  const name = toUtf8(`${path}\0`);
  const links = (mode & TYPE) === DIRECTORY ? 2 : 1;
  // inode, mode, uid, gid, links, mtime, size, device (4 fields), name's size, checksum
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = toUtf8(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return [
    header,
    name,
    padding(header.length + name.length, ALIGNMENT),
    content,
    padding(content.length, ALIGNMENT),
  ];
}
