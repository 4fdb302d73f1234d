import { expect, test } from "vitest";
import { Coalesced } from "../../../oracle/engine/coalesced.ts";

test("reads what is asked for in one turn together, and what is asked for meanwhile with the next", async () => {
  const reads: (readonly number[])[] = [];
  let late: Promise<string> | undefined;
  const coalesced = new Coalesced<number, string>((keys) => {
    reads.push(keys);
    late ??= coalesced.read(9);
    return Promise.resolve(keys.map((key) => `value of ${key}`));
  });
  const values = await Promise.all([coalesced.read(1), coalesced.read(2), coalesced.read(3)]);
  expect(values).toEqual(["value of 1", "value of 2", "value of 3"]);
  expect(await late).toBe("value of 9");
  expect(await coalesced.read(4)).toBe("value of 4");
  expect(reads).toEqual([[1, 2, 3], [9], [4]]);
});

test("a read that fails fails for all that were in it, and not for those after it", async () => {
  let broken = true;
  const coalesced = new Coalesced<number, number>((keys) =>
    broken ? Promise.reject(new RangeError("broken")) : Promise.resolve([...keys]),
  );
  const results = await Promise.allSettled([coalesced.read(1), coalesced.read(2)]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  broken = false;
  expect(await coalesced.read(3)).toBe(3);
});
