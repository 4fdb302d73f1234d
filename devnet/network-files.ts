/** Files that somebody wants the enclave of a local network to read: each is named by the keccak256 of its bytes, and served under that. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keccak } from "../protocol/struct-hash.ts";
import { createFolder } from "../endorsements/files/create-folder.ts";

const PATH = "/files/";
const NAME = /^0x[0-9a-f]{64}$/;

/** Returns the path under which the server has it from now on. */
export function keepFile(folder: string, bytes: Uint8Array): string {
  const hash = keccak(bytes);
  createFolder(folder);
  writeFileSync(join(folder, hash), bytes);
  return `${PATH}${hash}`;
}

export function findFile(folder: string, path: string): Buffer | undefined {
  const name = path.slice(PATH.length);
  if (!path.startsWith(PATH) || !NAME.test(name)) return undefined;
  try {
    return readFileSync(join(folder, name));
  } catch {
    return undefined;
  }
}
