import { expect, test } from "vitest";
import { sql } from "kysely";
import { openStore } from "../../../oracle/store/store.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { describeStores } from "../support/stores.ts";

describeStores("a store that a newer version wrote", (create) => {
  test("is refused with what to do, and left as it is", async () => {
    const place = await create();
    const written = await openStore(place.config);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', 'now')`.execute(
      written.db,
    );
    await written.close();
    expect(await rejectionOf(() => openStore(place.config))).toBe("CONFIG_INVALID");
    await place.remove();
  });
});
