import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
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
 * @throws {ConfigError} CONFIG_INVALID when another process holds the directory
 */
export function createDirectoryLock(directory: string): DirectoryLock {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "owner.lock");
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `another process uses the store in ${directory}: a node that runs already? Several nodes need a PostgreSQL store`,
      details: { directory },
      cause,
    });
  }
  return {
    release: () => {
      database.close();
    },
  };
}
