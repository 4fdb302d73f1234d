import { describe, expect, test } from "vitest";
import { findSeat } from "../../../../oracle/relay/asking/platform-seats.ts";
import type { AdmittedKeyset } from "../../../../oracle/store/admissions.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { word } from "../../support/requests.ts";

const PLATFORM = word(0xf1);
const NEWCOMER = { keysetId: word(9), platform: PLATFORM };

const seated = (id: number, expiresAt: number, platform = PLATFORM): AdmittedKeyset => ({
  keysetId: word(id),
  platform,
  since: 1,
  expiresAt,
});
const living = (...ids: readonly number[]): ReadonlySet<Hex> => new Set(ids.map(word));

describe("a third keyset of a machine", () => {
  test.for<[string, readonly AdmittedKeyset[], ReadonlySet<Hex>]>([
    ["where a seat is free", [seated(1, 10)], living(1)],
    ["where the seats are other machines'", [seated(1, 10, word(2)), seated(2, 10, word(2))], living(1, 2)],
    ["where the one that ends first is dead", [seated(1, 20), seated(2, 10)], living(1)],
    ["where both are dead, as after the machine's restart", [seated(1, 10), seated(2, 20)], living()],
    ["that has a seat already, and renews it", [seated(9, 10), seated(2, 20)], living(2, 9)],
  ])("is admitted %s", ([, admitted, alive]) => {
    expect(findSeat(NEWCOMER, admitted, alive)).toEqual({ kind: "free" });
  });

  test("waits for the renewal of the living one that would lose its seat to it", () => {
    const admitted = [seated(1, 10), seated(2, 20)];
    expect(findSeat(NEWCOMER, admitted, living(1))).toEqual({ kind: "renew-first", keysetId: word(1) });
  });

  test("is left out where both live", () => {
    expect(findSeat(NEWCOMER, [seated(1, 10), seated(2, 20)], living(1, 2))).toEqual({ kind: "full" });
  });
});
