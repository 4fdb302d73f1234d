import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe } from "vitest";
import { openStore, type Store } from "../../../oracle/store/store.ts";
import type { StoreConfig } from "../../../oracle/store/store-config.ts";
import { layBlankStore } from "./blank-store.ts";
import { databaseUrl } from "./config.ts";

/** An empty store that nobody else has. */
export interface TestStore {
  readonly config: StoreConfig;
  /** Deletes everything in it, whoever is connected. What opens it next finds an empty store. */
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/** Opens a new store before the first test of the file or block in which this is called, and removes it after the last. */
export function useStore(create: () => Promise<TestStore>, use: (store: Store) => void): void {
  let place: TestStore;
  let store: Store;
  beforeAll(async () => {
    place = await create();
    store = await openStore(place.config);
    use(store);
  });
  afterAll(async () => {
    await store.close();
    await place.remove();
  });
}

const ON = { pglite: "on PGlite", postgres: "on PostgreSQL" } as const;

/**
 * The same tests on both stores. Those on PostgreSQL are skipped where DATABASE_URL is not set, and vitest.config.ts
 * has a reporter that says so at the end.
 */
export function describeStores(name: string, body: (createStore: () => Promise<TestStore>) => void): void {
  describe(`${name} ${ON.pglite}`, () => {
    body(createPgliteStore);
  });
  describePostgres(name, body);
}

/** Tests of what only PostgreSQL can do: several nodes. */
export function describePostgres(name: string, body: (createStore: () => Promise<TestStore>) => void): void {
  describe.skipIf(databaseUrl() === undefined)(`${name} ${ON.postgres}`, () => {
    body(() => createPostgresStore());
  });
}

export async function createPgliteStore(): Promise<TestStore> {
  const directory = mkdtempSync(join(tmpdir(), "adyton-store-"));
  const path = join(directory, "store");
  await layBlankStore(path);
  const remove = (folder: string): Promise<void> => {
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  };
  return {
    config: { kind: "pglite", path },
    empty: () => remove(path),
    remove: () => remove(directory),
  };
}

/** A database of its own on the server of DATABASE_URL, whatever the server makes by default. */
export async function createPostgresStore(encoding = "UTF8"): Promise<TestStore> {
  const server = databaseUrl();
  if (server === undefined) throw new Error("DATABASE_URL is not set");
  const name = `adyton_test_${randomBytes(6).toString("hex")}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = `drop database if exists ${name} with (force)`;
  const make = `create database ${name} encoding '${encoding}' locale 'C' template template0`;
  await execute(server, make);
  return {
    config: { kind: "postgres", url: url.href },
    empty: () => execute(server, drop, make),
    remove: () => execute(server, drop),
  };
}

async function execute(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
