/** A circuit and a reference string fit, or the prover says by how much they do not. */

import { describe, expect, test } from "vitest";
import { checkSrsLength, log2GatesOf } from "../../../coprocessor/prover/circuit-size.ts";
import { CEREMONY_G2, DEVELOPMENT_G2 } from "../../../coprocessor/prover/srs.ts";

const development = (points: number) => ({ kind: "development", points, g2: DEVELOPMENT_G2 }) as const;

describe("a reference string", () => {
  test("is as long as the power of two above the circuit's gates, and a point more", () => {
    expect(log2GatesOf(2 ** 17 - 8)).toBe(17);
    expect(log2GatesOf(2 ** 17 - 7)).toBe(18);
    expect(() => {
      checkSrsLength(development(2 ** 17 + 1), 2 ** 17 - 8);
    }).not.toThrow();
  });

  test.for([
    ["a point too short", development(2 ** 17), 2 ** 17 - 8, "--gates 17"],
    ["half as long as the circuit", development(2 ** 17 + 1), 2 ** 17 - 7, "--gates 18"],
    ["the ceremony's first points", { kind: "ceremony", points: 100, g2: CEREMONY_G2 }, 1_000, "ceremony's"],
  ] as const)("is refused where it is %s", ([, srs, gates, says]) => {
    expect(() => {
      checkSrsLength(srs, gates);
    }).toThrow(
      expect.objectContaining({
        code: "PROVER_SRS_TOO_SMALL",
        retryable: false,
        message: expect.stringContaining(says) as string,
      }) as Error,
    );
  });
});
