import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadServeConfig } from "../../../oracle/serving/serve-config.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const URL_OF_STORE = "postgresql://adyton@db.example/adyton";
const POSTGRES = { kind: "postgres", url: URL_OF_STORE };
const CHAINS = [{ chainId: 1 }, { chainId: 10 }];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-serve-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(config: object): string {
  const file = join(folder, "oracle.json");
  writeFileSync(file, JSON.stringify(config));
  return file;
}

test("a node's configuration does, and none of the files that it names need be there", async () => {
  const file = new URL("../../../oracle/deploy/oracle.example.json", import.meta.url).pathname;
  expect(await loadServeConfig(file)).toMatchObject({
    chainIds: [1],
    storeUrl: "postgresql://adyton:password@postgres/adyton",
    http: { port: 7_790 },
  });
});

test("so does the part of it that is needed, and names a role of its own", async () => {
  const reader = "postgresql://reader@replica.example/adyton";
  const archive = { kind: "folder", path: "archive" };
  const config = {
    ...{ chains: CHAINS, store: POSTGRES, retention: { days: 30, archive } },
    serve: { host: "0.0.0.0", port: 80, storeUrl: reader },
  };
  expect(await loadServeConfig(write(config))).toEqual({
    chainIds: [1, 10],
    storeUrl: reader,
    http: { host: "0.0.0.0", port: 80, storeUrl: reader },
    retention: { days: 30, archive: { kind: "folder", path: join(folder, "archive") } },
    logLevel: "info",
  });
});

test.for<[string, object]>([
  ["the embedded store, which one process alone opens", { store: { kind: "pglite", path: "store" } }],
  ["a name that nodes do not know either", { stores: POSTGRES }],
  ["one chain twice", { chains: [...CHAINS, { chainId: 1 }] }],
  ["a URL of another database for its role", { serve: { storeUrl: "mysql://db.example/adyton" } }],
])("refuses %s", async ([, change]) => {
  const file = write({ chains: CHAINS, store: POSTGRES, ...change });
  expect(await rejectionOf(() => loadServeConfig(file))).toBe("CONFIG_INVALID");
});

test("says of the embedded store by name what serves its index", async () => {
  const file = write({ chains: CHAINS, store: { kind: "pglite", path: "store" } });
  await expect(loadServeConfig(file)).rejects.toMatchObject({
    message: expect.stringContaining("PGlite") as string,
    details: { store: "pglite" },
  });
});

test("takes what the page on it writes", async () => {
  const page = readFileSync(new URL("../../../docs/how-to/serve-the-index.md", import.meta.url), "utf8");
  const [, settings = ""] = /^```json\n(.*?)^```/ms.exec(page) ?? [];
  expect(await loadServeConfig(write(JSON.parse(settings) as object))).toMatchObject({ chainIds: [1] });
});
