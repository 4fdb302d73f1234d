import { Client } from "pg";
import { ConfigError } from "../../protocol/errors.ts";
import { createDirectoryLock } from "./directory-lock.ts";
import { PATIENCE } from "./postgres-pool.ts";
import type { StoreConfig } from "./store-config.ts";

/**
 * Looks whether the store can be opened, and changes nothing in it.
 *
 * @returns what it is, in words
 * @throws {ConfigError} CONFIG_INVALID when PostgreSQL refuses or cannot be reached, or another process owns the directory
 */
export async function checkStore(config: StoreConfig): Promise<string> {
  if (config.kind === "pglite") {
    createDirectoryLock(config.path).release();
    return `embedded, in ${config.path}`;
  }
  const { host, pathname } = new URL(config.url);
  const place = `${host === "" ? "localhost" : host}, database ${decodeURIComponent(pathname.slice(1))}`;
  try {
    return `PostgreSQL ${await readServerVersion(config.url)} at ${place}`;
  } catch (cause) {
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `PostgreSQL at ${place} cannot be used: ${cause instanceof Error ? describe(cause) : String(cause)}`,
      details: { host },
      cause,
    });
  }
}

async function readServerVersion(url: string): Promise<string> {
  const client = new Client({ connectionString: url, ...PATIENCE });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    return rows[0]?.server_version ?? "of unknown version";
  } finally {
    await client.end();
  }
}

/** A host name of several addresses fails with one error for each, and no message of its own. */
function describe(error: Error): string {
  const all = error instanceof AggregateError ? (error.errors as readonly Error[]) : [error];
  return all.map(({ message }) => message).join("; ");
}
