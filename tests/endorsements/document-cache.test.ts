import { expect, test } from "vitest";
import { DocumentCache, type Dated } from "../../endorsements/document-cache.ts";

function counted<T>(answers: readonly (Dated<T> | Error)[]) {
  let calls = 0;
  const fetch = async (): Promise<Dated<T>> => {
    const answer = answers[calls++];
    // A turn of the event loop, as a network has many.
    await new Promise((resolve) => setImmediate(resolve));
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error("fetched once too often");
    return answer;
  };
  return { fetch, calls: () => calls };
}

test("keeps a document to its last second and fetches anew in the next", async () => {
  const cache = new DocumentCache<string>();
  const { fetch, calls } = counted([
    { value: "first", until: 100 },
    { value: "second", until: 200 },
  ]);
  expect(await cache.get("key", 50, fetch)).toBe("first");
  expect(await cache.get("key", 100, fetch)).toBe("first");
  expect(calls()).toBe(1);
  expect(await cache.get("key", 101, fetch)).toBe("second");
  expect(calls()).toBe(2);
});

test("callers at the same time share a fetch, also when what they had has run out", async () => {
  const cache = new DocumentCache<string>();
  const { fetch, calls } = counted([
    { value: "first", until: 100 },
    { value: "second", until: 200 },
  ]);
  const together = async (now: number): Promise<string[]> =>
    await Promise.all([1, 2, 3].map(async () => await cache.get("key", now, fetch)));
  expect(await together(50)).toEqual(["first", "first", "first"]);
  expect(await together(150)).toEqual(["second", "second", "second"]);
  expect(calls()).toBe(2);
});

test("all who share a fetch that fails are told, and the next one tries again", async () => {
  const cache = new DocumentCache<string>();
  const { fetch, calls } = counted([new Error("down"), { value: "up", until: 100 }]);
  const failed = await Promise.allSettled([cache.get("key", 1, fetch), cache.get("key", 1, fetch)]);
  expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await cache.get("key", 1, fetch)).toBe("up");
  expect(calls()).toBe(2);
});

test("a document that is already out of date is handed on, and not kept", async () => {
  const cache = new DocumentCache<string>();
  const { fetch, calls } = counted([
    { value: "stale", until: 10 },
    { value: "fresh", until: 100 },
  ]);
  expect(await cache.get("key", 50, fetch)).toBe("stale");
  expect(await cache.get("key", 50, fetch)).toBe("fresh");
  expect(calls()).toBe(2);
});

test("one key does not answer for another", async () => {
  const cache = new DocumentCache<string>();
  const { fetch } = counted([
    { value: "a", until: 100 },
    { value: "b", until: 100 },
  ]);
  expect(await cache.get("a", 1, fetch)).toBe("a");
  expect(await cache.get("b", 1, fetch)).toBe("b");
});

test("strangers who name many platforms push out the oldest, and no more memory is used", async () => {
  const cache = new DocumentCache<number>();
  let fetched = 0;
  const fetch = async (): Promise<Dated<number>> => await Promise.resolve({ value: fetched++, until: 100 });
  for (let key = 0; key <= 1_024; key++) await cache.get(String(key), 1, fetch);
  expect(fetched).toBe(1_025);
  await cache.get("1024", 1, fetch);
  expect(fetched).toBe(1_025);
  await cache.get("0", 1, fetch);
  expect(fetched).toBe(1_026);
});
