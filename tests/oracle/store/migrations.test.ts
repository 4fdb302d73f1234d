import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../../../oracle/store/store.ts";
import { describePostgres, type TestStore } from "../support/stores.ts";

/**
 * Whatever PostgreSQL writes anew as a whole, it keeps from everybody meanwhile: at ten million rows, for minutes. It tells of each rewrite,
 * also of a table without rows.
 */
const RECORD_REWRITES = `
  create table rewrites (what text not null, by_statement text not null);
  create function record_rewrite() returns event_trigger language plpgsql as $$
    begin
      insert into rewrites values (pg_event_trigger_table_rewrite_oid()::regclass::text, current_query());
    end $$;
  create event trigger record_rewrite on table_rewrite execute function record_rewrite()`;

describePostgres("migrations", (create) => {
  let place: TestStore;
  let client: pg.Client;

  beforeEach(async () => {
    place = await create();
    client = new pg.Client({ connectionString: "url" in place.config ? place.config.url : "" });
    await client.connect();
  });

  afterEach(async () => {
    await client.end();
    await place.remove();
  });

  test("rewrite no table under an exclusive lock, but for the one that was published before this rule", async () => {
    await client.query(RECORD_REWRITES);
    await (await openStore(place.config)).close();
    const { rows } = await client.query<{ what: string; by_statement: string }>("select * from rewrites");
    expect(rows.map(({ what }) => what)).toEqual(["requests"]);
    expect(rows[0]?.by_statement).toContain("gas_price_cap");
  });
});
