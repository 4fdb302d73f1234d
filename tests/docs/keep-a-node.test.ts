/** Types the commands of docs/how-to/keep-a-node.md that copy a store and bring it back. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OracleConfig } from "../../oracle/config.ts";
import { openStore } from "../../oracle/store/store.ts";
import type { StoreConfig } from "../../oracle/store/store-config.ts";
import { layBlankStore } from "../oracle/support/blank-store.ts";
import { aRequest, storeRequest } from "../oracle/support/requests.ts";
import { describePostgres } from "../oracle/support/stores.ts";

const PAGE = readFileSync(new URL("../../docs/how-to/keep-a-node.md", import.meta.url), "utf8");
/** In the page's order. */
const COMMANDS = [...PAGE.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
  block.trim().split("\n"),
);
const SETTINGS = [...PAGE.matchAll(/^```json\n(.*?)^```/gms)].map(
  ([, text = ""]) => JSON.parse(text) as Record<string, unknown>,
);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-keep-"));
  mkdirSync(join(folder, "my-node"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function typeAll(program: RegExp, asTyped: (line: string) => string = (line) => line): number {
  const lines = COMMANDS.filter((line) => program.test(line));
  for (const line of lines) execFileSync("/bin/sh", ["-ec", asTyped(line)], { cwd: folder, stdio: "pipe" });
  return lines.length;
}

/** Rows in a store, after one more where `isAdded`. */
async function requestsIn(config: StoreConfig, isAdded = false): Promise<string[]> {
  const store = await openStore(config);
  try {
    if (isAdded) await storeRequest(store, aRequest());
    const rows = await store.db.selectFrom("requests").select("request_id").execute();
    return rows.map(({ request_id }) => request_id);
  } finally {
    await store.close();
  }
}

test("an embedded store comes back as it was copied", async () => {
  const config = { kind: "pglite", path: join(folder, "my-node", "store") } as const;
  await layBlankStore(config.path);
  const before = await requestsIn(config, true);
  expect(before).toHaveLength(1);
  expect(typeAll(/^tar -c/)).toBe(1);
  expect(typeAll(/^rm /)).toBe(1);
  expect(typeAll(/^tar -x/)).toBe(1);
  expect(await requestsIn(config)).toEqual(before);
});

describePostgres("a database", (create) => {
  test("comes back as it was dumped, in another one", async () => {
    const [place, other] = [await create(), await create()];
    try {
      const before = await requestsIn(place.config, true);
      const url = ({ config }: typeof place): string => ("url" in config ? config.url : "");
      const asTyped = (line: string): string =>
        line
          .replace(/postgresql:\S+\/adyton\b/, url(place))
          .replace(/postgresql:\S+\/restored\b/, url(other));
      expect(typeAll(/^pg_dump/, asTyped)).toBe(1);
      expect(typeAll(/^pg_restore/, asTyped)).toBe(1);
      expect(await requestsIn(other.config)).toEqual(before);
    } finally {
      await place.remove();
      await other.remove();
    }
  });
});

test("its settings are taken", () => {
  const { retention, transmitterKeys } = OracleConfig.shape;
  const known = { retention, transmitterKeys } as const;
  const named = SETTINGS.flatMap((setting) => Object.entries(setting));
  expect(named.map(([name]) => name)).toEqual(["retention", "retention", "transmitterKeys"]);
  for (const [name, value] of named)
    expect(known[name as keyof typeof known].safeParse(value).error).toBeUndefined();
});
