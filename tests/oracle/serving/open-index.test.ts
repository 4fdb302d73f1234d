import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { createHttpApp, type HttpOptions, listen } from "../../../oracle/http/server.ts";
import { createLogger } from "../../../oracle/log.ts";
import { type IndexHealth, IndexWatch } from "../../../oracle/serving/index-watch.ts";
import { openIndex } from "../../../oracle/serving/open-index.ts";
import { takeLease } from "../../../oracle/store/lease.ts";
import { openForReading } from "../../../oracle/store/open-for-reading.ts";
import { openStore, type Store } from "../../../oracle/store/store.ts";
import { startEngine } from "../../../oracle/engine/engine.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { aRequest, storeRequest } from "../support/requests.ts";
import { describePostgres, type TestStore } from "../support/stores.ts";

const LEASE_MS = 60_000;
const HOST = "127.0.0.1";
const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const now = (): number => 1_000;

describePostgres("an index in a process of its own", (create) => {
  let place: TestStore;
  let store: Store;
  let stops: (() => Promise<void>)[];

  beforeEach(async () => {
    place = await create();
    store = await openStore(place.config);
    stops = [];
  });

  afterEach(async () => {
    for (const stop of stops) await stop();
    await store.close();
    await place.remove();
  });

  const urlOf = ({ config }: TestStore): string => ("url" in config ? config.url : "");

  async function startIndex(
    chainIds: readonly number[] = [31_337],
  ): Promise<(path: string) => Promise<Response>> {
    const config = { chainIds, storeUrl: urlOf(place), http: { host: HOST, port: 0 }, retention: undefined };
    const index = await openIndex({ ...config, logLevel: "error" }, { log, now });
    stops.push(() => index.stop());
    return (path) => fetch(new URL(path, index.url));
  }

  async function watchOver(chainIds: readonly number[]): Promise<IndexWatch> {
    const reading = await openForReading(urlOf(place));
    const watch = new IndexWatch({ store: reading, chainIds, log, now });
    stops.push(
      () => watch.stop(),
      () => reading.close(),
    );
    return watch;
  }

  test("says of requests, by each route, what a node says", async () => {
    const request = aRequest();
    await storeRequest(store, request);
    const options = { store, log, twin: () => undefined, ledgers: { find: () => undefined } };
    const node = await listen(createHttpApp(options as Partial<HttpOptions> as HttpOptions), {
      host: HOST,
      port: 0,
    });
    stops.push(() => node.close());
    const ask = await startIndex();
    const { requests } = (await (await ask("/v1/requests")).json()) as { requests: { requestId: string }[] };
    const id = requests[0]?.requestId ?? "";
    for (const path of [
      "/v1/requests",
      "/v1/requests?phase=settled",
      `/v1/requests/${id}`,
      `/v1/answers/${id}`,
      `/v1/receipts/${id}`,
      "/v1/admissions",
      "/v1/openapi.json",
    ]) {
      const [ours, theirs] = await Promise.all([ask(path), fetch(`http://${HOST}:${node.port}${path}`)]);
      expect([path, ours.status, await ours.text()]).toEqual([path, theirs.status, await theirs.text()]);
    }
  });

  test("counts what is in the store, and names nothing that only a node knows", async () => {
    const engine = await startEngine(store, log, 10);
    stops.push(() => engine.stop());
    await storeRequest(store, aRequest());
    const ask = await startIndex();
    const text = await (await ask("/v1/metrics")).text();
    for (const [name, value] of [
      ['adyton_oracle_requests{chain="31337",phase="asked"}', 1],
      ['adyton_oracle_chain_unattended{chain="31337"}', 1],
      ["adyton_oracle_dead_letters", 0],
      ["adyton_oracle_store_readable", 1],
    ] as const)
      expect(text).toContain(`${name} ${value}\n`);
    expect(text).not.toMatch(/adyton_oracle_(?:enclaves|ready|keys_usable|store_writable)/);
  });

  test.for(["/v1/quote", "/v1/ledgers/0x1111111111111111111111111111111111111111/transitions"])(
    "sends whoever asks for %s to a node",
    async (path) => {
      const response = await (await startIndex())(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "INPUT_NOT_FOUND" } });
    },
  );

  test("may write nothing, whatever its role may do", async () => {
    const reading = await openForReading(urlOf(place));
    stops.push(() => reading.close());
    await expect(sql`delete from leases`.execute(reading.db)).rejects.toMatchObject({ code: "25006" });
  });

  test("is well while nodes follow each of its chains, and says what it cannot know", async () => {
    const watch = await watchOver([1, 2]);
    const followers = async (): Promise<unknown[]> => {
      await watch.look();
      const { status, nodes, chains } = watch.health;
      return [status, nodes, ...chains.map(({ follower }) => follower)];
    };
    expect(await followers()).toEqual(["degraded", 0, "nobody", "nobody"]);
    await takeLease(store, "chain:1", "a", LEASE_MS);
    await takeLease(store, "chain:1#b", "b", LEASE_MS);
    expect(await followers()).toEqual(["degraded", 2, "another", "nobody"]);
    await takeLease(store, "chain:2", "b", LEASE_MS);
    expect(await followers()).toEqual(["ok", 2, "another", "another"]);
    expect(watch.health).toMatchObject({ serves: "index", store: { readable: true, isReplica: false } });
    expect(watch.health.unknown).toContain("enclaves");
    await sql`update leases set expires_at = 0`.execute(store.db);
    expect(await followers()).toEqual(["degraded", 0, "nobody", "nobody"]);
  });

  test("stops reading tables that nodes have changed meanwhile, and reads again once they fit", async () => {
    const watch = await watchOver([1]);
    await takeLease(store, "chain:1", "a", LEASE_MS);
    const look = async (): Promise<IndexHealth> => {
      await watch.look();
      return watch.health;
    };
    expect(await look()).toMatchObject({ status: "ok", store: { schema: "same" } });
    await sql`insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', 'now')`.execute(
      store.db,
    );
    expect(await look()).toMatchObject({
      status: "degraded",
      store: { readable: false, schema: "newer", failures: 1 },
      chains: [{ block: null, follower: "unknown" }],
    });
    expect(() => {
      watch.checkReads();
    }).toThrow(expect.objectContaining({ code: "STORE_UNAVAILABLE" }));
    await sql`delete from kysely_migration where name like '9999%'`.execute(store.db);
    expect(await look()).toMatchObject({ status: "ok" });
    expect(() => {
      watch.checkReads();
    }).not.toThrow();
  });

  describe("does not start on", () => {
    test.for([
      [
        "tables of a newer version",
        "insert into kysely_migration (name, timestamp) values ('9999-x', 'now')",
      ],
      ["tables of an older version", "delete from kysely_migration where name > '0010'"],
      ["a database that no node has used", "drop table kysely_migration"],
    ] as const)("%s", async ([, statement]) => {
      await sql.raw(statement).execute(store.db);
      expect(await rejectionOf(() => openForReading(urlOf(place)))).toBe("CONFIG_INVALID");
    });
  });
});
