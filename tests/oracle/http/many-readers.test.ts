import {
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpApp, type HttpOptions, listen, type Listening } from "../../../oracle/http/server.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { StoreSchema } from "../../../oracle/store/schema.ts";
import { WELL_STORE } from "../support/health.ts";

const MAX_READS = 32;

/** A store that is busy until it is told to go on, and then has nothing. */
class BusyDriver extends DummyDriver {
  waiting = 0;
  readonly #free = Promise.withResolvers<undefined>();

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.waiting += 1;
    await this.#free.promise;
    return super.acquireConnection();
  }

  goOn(): void {
    this.#free.resolve(undefined);
  }
}

let driver: BusyDriver;
let server: Listening;

beforeEach(async () => {
  driver = new BusyDriver();
  const db = new Kysely<StoreSchema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  const app = createHttpApp({
    store: { db },
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
    health: () => ({ status: "ok", chains: [], enclaves: [], store: WELL_STORE }),
    isReady: () => true,
    twin: () => undefined,
    ledgers: { find: () => undefined },
  } as Partial<HttpOptions> as HttpOptions);
  server = await listen(app, { host: "127.0.0.1", port: 0 });
});

afterEach(async () => {
  driver.goOn();
  await server.close();
});

const get = async (path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${server.port}${path}`)).status;

test("strangers who read the index wait in no longer a line than the relay can bear, and health is not in it", async () => {
  const first = Array.from({ length: MAX_READS }, () => get("/v1/requests?chainId=1"));
  await expect.poll(() => driver.waiting, { interval: 5 }).toBe(MAX_READS);
  for (const path of [
    "requests",
    "admissions",
    `answers/0x${"00".repeat(32)}`,
    `receipts/0x${"00".repeat(32)}`,
  ])
    expect(await get(`/v1/${path}`)).toBe(429);
  expect(await get("/v1/health")).toBe(200);
  driver.goOn();
  expect(await Promise.all(first)).toEqual(first.map(() => 200));
  expect(await get("/v1/requests?chainId=1")).toBe(200);
});
