import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import type { Archive } from "./archive.ts";

/** An archive in a folder: a disk that is mounted there, or one that something else copies from. */
export function createFolderArchive(folder: string): Archive {
  const unavailable = (cause: unknown): UpstreamError =>
    new UpstreamError({
      code: "ARCHIVE_UNAVAILABLE",
      message: `the archive folder ${folder} cannot be used: look at its disk and its permissions`,
      details: { folder },
      cause,
    });
  return {
    place: folder,
    async put(name, bytes) {
      const file = join(folder, name);
      const draft = `${file}.${randomUUID()}`;
      try {
        createFolder(dirname(file));
        await writeWhole(draft, bytes);
        await rename(draft, file);
        // What is deleted from the store after this must be found here, also after a power failure.
        await syncFolder(dirname(file));
      } catch (cause) {
        await rm(draft, { force: true }).catch(() => undefined);
        throw unavailable(cause);
      }
    },
    async get(name) {
      try {
        return await readFile(join(folder, name));
      } catch (cause) {
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
        throw unavailable(cause);
      }
    },
  };
}

async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
