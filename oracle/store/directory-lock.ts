import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { ConfigError } from "../../protocol/errors.ts";

export interface DirectoryLock {
  release(): void;
}

/**
 * Takes `directory` for this process alone, until `release` or the death of the process.
 *
 * Two PGlite processes on one directory lose rows without an error. A lock file that holds a pid outlives SIGKILL, and pids
 * mean nothing across containers; SQLite's exclusive lock is the kernel's own (fcntl) and dies with its holder.
 *
 * @throws {ConfigError} CONFIG_INVALID when another process holds the directory, or it cannot be made or written
 */
export function createDirectoryLock(directory: string): DirectoryLock {
  makeDirectory(directory);
  const database = openLock(directory);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw isBusy(cause)
      ? new ConfigError({
          code: "CONFIG_INVALID",
          message: `another process uses the store in ${directory}: a node that runs already? Several nodes need a PostgreSQL store`,
          details: { directory },
          cause,
        })
      : notWritable(directory, cause);
  }
  return {
    release: () => {
      database.close();
    },
  };
}

/** A first start: under systemd, `StateDirectory` has made the folder above. */
function makeDirectory(directory: string): void {
  try {
    createFolder(directory);
  } catch (cause) {
    throw cannotMake(directory, cause);
  }
}

/** The folder of a store is not there, and cannot be made by this process. */
export function cannotMake(directory: string, cause: unknown): ConfigError {
  let above = dirname(directory);
  while (!existsSync(above)) above = dirname(above);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `the store's folder ${directory} is not there, and this user may not make it in ${above}: make it, and give it to the node's user`,
    details: { directory },
    cause,
  });
}

function openLock(directory: string): DatabaseSync {
  try {
    return new DatabaseSync(join(directory, "owner.lock"));
  } catch (cause) {
    throw notWritable(directory, cause);
  }
}

function notWritable(directory: string, cause: unknown): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `the store's folder ${directory} cannot be written by this user: give it to the node's user, with all that is in it`,
    details: { directory },
    cause,
  });
}

/** SQLITE_BUSY, SQLITE_LOCKED: https://www.sqlite.org/rescode.html */
const BUSY: ReadonlySet<unknown> = new Set([5, 6]);

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && "errcode" in cause && BUSY.has(cause.errcode);
}
