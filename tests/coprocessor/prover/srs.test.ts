import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  CEREMONY_G2,
  checkSrs,
  DEVELOPMENT_G2,
  makeDevelopmentSrs,
} from "../../../coprocessor/prover/srs.ts";
import { verifierSource } from "../../../coprocessor/prover/verifier-source.ts";
import { concatBytes } from "../../../protocol/bytes.ts";
import { uintWord } from "../../../protocol/struct-hash.ts";

const POINT_BYTES = 64;

describe("a reference string", () => {
  let folder: string;
  let g1: string;
  let g2: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "adyton-srs-"));
    g1 = join(folder, "bn254_g1.dat");
    g2 = join(folder, "bn254_g2.dat");
    makeDevelopmentSrs(folder, 10);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const refusal = expect.objectContaining({ code: "PROVER_SRS_UNKNOWN" }) as Error;

  test("is known for the development one", () => {
    expect(checkSrs(folder)).toEqual({ kind: "development", points: 1025, g2: DEVELOPMENT_G2 });
  });

  test("is none where there is none", () => {
    rmSync(g1);
    expect(() => checkSrs(folder)).toThrow(refusal);
  });

  test("is unknown with the ceremony's G2 beside other points", () => {
    const { x, y } = CEREMONY_G2;
    writeFileSync(g2, concatBytes(...[x.c0, x.c1, y.c0, y.c1].map(uintWord)));
    expect(() => checkSrs(folder)).toThrow(refusal);
  });

  test.for([
    ["another G2", () => g2, 5],
    ["a first point that is not the generator", () => g1, 63],
    ["a second point of another secret", () => g1, POINT_BYTES + 5],
    ["a last point that is none", () => g1, 1024 * POINT_BYTES + 5],
  ] as const)("is unknown with %s", ([, file, at]) => {
    const bytes = readFileSync(file());
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file(), bytes);
    expect(() => checkSrs(folder)).toThrow(refusal);
  });

  test("is unknown with half a point", () => {
    appendFileSync(g1, new Uint8Array(5));
    expect(() => checkSrs(folder)).toThrow(refusal);
  });

  test("is not made for circuits that there are not", () => {
    expect(() => {
      makeDevelopmentSrs(folder, 40);
    }).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }) as Error);
  });
});

describe("the source of a verifier", () => {
  const hex = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;
  const { x, y } = CEREMONY_G2;
  const words = [x.c1, x.c0, y.c1, y.c0].map((word) => `mstore(0x100, ${hex(word)})`).join("\n");
  const generated = `contract HonkVerifier is IVerifier {
    constructor() {}

    function verify(bytes calldata, bytes32[] calldata) public view override returns (bool) {
${words}
    }
}
`;

  test("has the development words, and refuses chains that are not local in both places", () => {
    const source = verifierSource(generated, { kind: "development", g2: DEVELOPMENT_G2 });
    expect(source).toContain("contract DevelopmentVerifier is");
    expect(source).toContain(hex(DEVELOPMENT_G2.x.c0));
    expect(source).not.toContain(hex(x.c0));
    expect(source.match(/ {8}_requireLocalChain\(\);/g)).toHaveLength(2);
  });

  test("is left as it is for the ceremony's", () => {
    expect(verifierSource(generated, { kind: "ceremony", g2: CEREMONY_G2 })).toBe(generated);
  });

  test.for([
    ["a word twice", `${generated}${hex(x.c0)}`],
    ["a word missing", generated.replace(hex(y.c1), "0x00")],
    ["no constructor", generated.replace("constructor() {}", "")],
    ["two of verify", `${generated}${generated.slice(generated.indexOf("    function"))}`],
  ] as const)("is refused with %s", ([, changed]) => {
    expect(() => verifierSource(changed, { kind: "development", g2: DEVELOPMENT_G2 })).toThrow(
      expect.objectContaining({ code: "PROVER_FAILED" }) as Error,
    );
  });
});
