import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assign, inServingOrder, placeOf, turnAt } from "../../../../oracle/relay/asking/assignment.ts";
import type { Hex } from "../../../../protocol/bytes.ts";

const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;
const REQUEST = word(7);

/** Keyset `id` on platform `platform`, admitted in block `since`. */
const keyset = (id: number, platform: number, since = 1): Parameters<typeof assign>[2][number] => ({
  keysetId: word(id),
  platform: word(1_000 + platform),
  since,
});

const THREE = [keyset(1, 1), keyset(2, 2), keyset(3, 3)];

describe("the order in which platforms serve a request", () => {
  test("is the same whatever the order in which the admissions are read", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(THREE, { minLength: 3 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        (shuffled, id) => {
          expect(assign(word(id), 5, shuffled).order).toEqual(assign(word(id), 5, THREE).order);
        },
      ),
    );
  });

  test("gives a platform with many keysets no more than its share", () => {
    const many = [...THREE, ...Array.from({ length: 20 }, (_, index) => keyset(100 + index, 1))];
    for (let id = 0; id < 50; id += 1)
      expect(assign(word(id), 5, many).order).toEqual(assign(word(id), 5, THREE).order);
  });

  test("puts first about as many requests at each platform", () => {
    const first = Array.from({ length: 600 }, (_, id) => assign(word(id), 5, THREE).order[0]);
    for (const { platform } of THREE) {
      const share = first.filter((found) => found === platform).length;
      expect(share).toBeGreaterThan(150);
      expect(share).toBeLessThan(250);
    }
  });

  test("leaves the others in place when one goes", () => {
    const { order } = assign(REQUEST, 5, THREE);
    const without = THREE.filter(({ platform }) => platform !== order[1]);
    expect(assign(REQUEST, 5, without).order).toEqual([order[0], order[2]]);
  });

  test("puts platforms that were admitted after the request behind all others", () => {
    const late = Array.from({ length: 10 }, (_, index) => keyset(10 + index, 10 + index, 6));
    const { order } = assign(REQUEST, 5, [...late, ...THREE]);
    expect(order.slice(0, 3)).toEqual(assign(REQUEST, 5, THREE).order);
    expect(order).toHaveLength(13);
  });

  test("keeps a platform's place when its enclave restarted with other keys", () => {
    const restarted = keyset(4, 2, 9);
    const assignment = assign(REQUEST, 5, [...THREE, restarted]);
    expect(assignment.order).toEqual(assign(REQUEST, 5, THREE).order);
    expect(placeOf(assignment, [restarted.keysetId])).toBe(placeOf(assignment, [word(2)]));
  });
});

describe("a node's place and turn", () => {
  const assignment = assign(REQUEST, 5, THREE);

  test("is that of its best platform", () => {
    const places = THREE.map(({ keysetId }) => placeOf(assignment, [keysetId]));
    expect([...places].sort()).toEqual([0, 1, 2]);
    expect(
      placeOf(
        assignment,
        THREE.map(({ keysetId }) => keysetId),
      ),
    ).toBe(0);
  });

  test("comes after everybody's for enclaves that no event knows, and at once when nobody is known", () => {
    expect(placeOf(assignment, [word(99)])).toBe(3);
    expect(placeOf(assign(REQUEST, 5, []), [word(99)])).toBe(0);
  });

  test("comes a window later for each place, and the last still has a window before a near deadline", () => {
    const far = { from: 1_000, until: 10_000_000, window: 30_000 };
    expect([0, 1, 2].map((place) => turnAt(assignment, place, far))).toEqual([1_000, 31_000, 61_000]);
    const near = { ...far, until: 41_000 };
    expect([0, 1, 2].map((place) => turnAt(assignment, place, near))).toEqual([1_000, 11_000, 21_000]);
    expect(turnAt(assignment, 2, { ...far, until: 0 })).toBe(1_000);
  });

  test("asks its enclaves in the order of their platforms, unknown ones last", () => {
    const sessions = [word(99), word(3), word(1), word(2)].map((keysetId) => ({ keysetId }));
    const asked = inServingOrder(assignment, REQUEST, sessions).map(({ keysetId }) => keysetId);
    expect(asked.slice(0, 3).map((id) => assignment.platformOf.get(id))).toEqual(assignment.order);
    expect(asked[3]).toBe(word(99));
  });
});
