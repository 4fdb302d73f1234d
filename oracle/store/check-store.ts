import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { ConfigError } from "../../protocol/errors.ts";
import { cannotMake, createDirectoryLock } from "./directory-lock.ts";
import { PATIENCE } from "./postgres-pool.ts";
import type { StoreConfig } from "./store-config.ts";

/**
 * Looks whether the store can be opened, and changes nothing in it.
 *
 * @returns what it is, in words
 * @throws {ConfigError} CONFIG_INVALID when PostgreSQL refuses, cannot be reached or does not hold UTF-8, or another process owns the directory
 */
export async function checkStore(config: StoreConfig): Promise<string> {
  if (config.kind === "pglite") {
    if (!existsSync(config.path)) return checkPlace(config.path);
    createDirectoryLock(config.path).release();
    return `embedded, in ${config.path}`;
  }
  const { host, pathname } = new URL(config.url);
  const place = `${host === "" ? "localhost" : host}, database ${decodeURIComponent(pathname.slice(1))}`;
  const { version, encoding } = await readServer(config.url).catch((cause: unknown) => {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `PostgreSQL at ${place} cannot be used: ${cause instanceof Error ? describe(cause) : String(cause)}`,
      details: { host },
      cause,
    });
  });
  // What models answer is text in every script: another encoding refuses the first character that it lacks, for good.
  if (encoding !== "UTF8") {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `PostgreSQL at ${place} cannot be used: its encoding is ${encoding}; create it with encoding 'UTF8' template template0`,
      details: { host, encoding },
    });
  }
  return `PostgreSQL ${version} at ${place}`;
}

/** The folder of a store that no node has made yet, nor does this. */
function checkPlace(path: string): string {
  let above = dirname(path);
  while (!existsSync(above)) above = dirname(above);
  try {
    // A folder that may be written to also wants to be entered; a file has nothing in it.
    accessSync(join(above, "."), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw cannotMake(path, cause);
  }
  return `embedded, in ${path}, which the first start makes`;
}

async function readServer(url: string): Promise<{ readonly version: string; readonly encoding: string }> {
  const client = new Client({ connectionString: url, ...PATIENCE });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; encoding: string }>(
      "select current_setting('server_version') as version, current_setting('server_encoding') as encoding",
    );
    return rows[0] ?? { version: "of unknown version", encoding: "unknown" };
  } finally {
    await client.end();
  }
}

/** A host name of several addresses fails with one error for each, and no message of its own. */
function describe(error: Error): string {
  const all = error instanceof AggregateError ? (error.errors as readonly Error[]) : [error];
  return all.map(({ message }) => message).join("; ");
}
