/**
 * The structured reference string that proofs are made with: powers of a secret that nobody may know. The one of a public ceremony is for
 * real chains. The development one has the secret 2: whoever reads this can prove anything under it, and verifiers made for it refuse
 * every chain that is not local.
 *
 * Points as Barretenberg's files have them: `bn254_g1.dat`, 64 bytes a point, big-endian; `bn254_g2.dat`, x and y, each c0 before c1.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { normalizeZ } from "@noble/curves/abstract/curve.js";
import { bn254 } from "@noble/curves/bn254.js";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { concatBytes, toHex } from "../../protocol/bytes.ts";
import { ConfigError, ProverError } from "../../protocol/errors.ts";
import { uintWord } from "../../protocol/struct-hash.ts";

const G1_FILE = "bn254_g1.dat";
const G2_FILE = "bn254_g2.dat";
const POINT_BYTES = 64;
/** Points of a chunk that the ceremony's list has a hash of: 8 MiB. */
const CHUNK_POINTS = 131_072;
/** SHA-256 of the first of them: Barretenberg's `bn254_g1_chunk_hashes.hpp`. */
const CEREMONY_FIRST_CHUNK = "3718ffbed583d8a279ccb2545196d5618e3fd97512b65aa051d2ebd0f57fb999";

/** The secret times the generator of G2, as words of a Solidity verifier: c0 and c1 of x and y. */
export interface SrsG2 {
  readonly x: { readonly c0: bigint; readonly c1: bigint };
  readonly y: { readonly c0: bigint; readonly c1: bigint };
}

/** Of the ceremony, as Barretenberg's verifiers have it. */
export const CEREMONY_G2: SrsG2 = {
  x: {
    c0: 0x0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0n,
    c1: 0x260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1n,
  },
  y: {
    c0: 0x22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55n,
    c1: 0x04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4n,
  },
};

export const DEVELOPMENT_G2: SrsG2 = bn254.G2.Point.BASE.double().toAffine();

export type SrsKind = "ceremony" | "development";

const { Point } = bn254.G1;
/** Points that become bytes at once: a few megabytes, whatever is made. */
const BATCH_POINTS = 16_384;

export interface Srs {
  readonly kind: SrsKind;
  readonly points: number;
  readonly g2: SrsG2;
}

/**
 * 1, 2, 4, … times the generator.
 *
 * @param log2Gates of the largest circuit: 17 for 16 rows, 20 for 131, 21 for 263. A second for 2^17.
 * @throws {ConfigError} CONFIG_INVALID
 */
export function makeDevelopmentSrs(folder: string, log2Gates: number): void {
  if (!Number.isInteger(log2Gates) || log2Gates < 10 || log2Gates > 24)
    throw new ConfigError({ code: "CONFIG_INVALID", message: "a development SRS has 2^10 to 2^24 points" });

  const count = 2 ** log2Gates + 1;
  const bytes = new Uint8Array(count * POINT_BYTES);
  let next = Point.BASE;
  for (let start = 0; start < count; start += BATCH_POINTS) {
    const batch = [];
    for (let index = start; index < Math.min(start + BATCH_POINTS, count); index += 1) {
      batch.push(next);
      next = next.double();
    }
    for (const [index, { x, y }] of normalizeZ(Point, batch).entries())
      bytes.set(concatBytes(uintWord(x), uintWord(y)), (start + index) * POINT_BYTES);
  }
  createFolder(folder);
  writeFileSync(join(folder, G2_FILE), g2Bytes(DEVELOPMENT_G2));
  // Renamed, so that a killed run leaves no half of it.
  writeFileSync(join(folder, `${G1_FILE}.part`), bytes);
  renameSync(join(folder, `${G1_FILE}.part`), join(folder, G1_FILE));
}

/**
 * Says which of the two lies in `folder`. Barretenberg asks nothing: it proves with whatever it finds.
 *
 * Establishes: the first points belong to the secret that verifiers of that kind have; of the ceremony, the first 131,072 are the
 * published ones. Other points that are wrong make proofs that no verifier accepts, and nothing worse.
 *
 * @throws {ProverError} PROVER_SRS_UNKNOWN
 */
export function checkSrs(folder: string): Srs {
  const g1 = readPart(folder, G1_FILE);
  const g2 = readPart(folder, G2_FILE);
  const points = Math.floor(g1.length / POINT_BYTES);
  const isOf = (expected: SrsG2): boolean => Buffer.from(g2).equals(g2Bytes(expected));
  if (points < 2 || g1.length % POINT_BYTES !== 0) unknown(folder, `${G1_FILE} has no whole points`);
  const kind = isOf(CEREMONY_G2) ? "ceremony" : isOf(DEVELOPMENT_G2) ? "development" : undefined;
  if (kind === undefined) unknown(folder, `${G2_FILE} is neither the ceremony's nor the development one`);
  const expected = kind === "ceremony" ? CEREMONY_G2 : DEVELOPMENT_G2;
  if (!areOfOneSecret(pointAt(folder, g1, 0), pointAt(folder, g1, 1), expected))
    unknown(folder, "its points are of another secret than its G2");

  if (kind === "ceremony") {
    const chunk = g1.subarray(0, CHUNK_POINTS * POINT_BYTES);
    if (createHash("sha256").update(chunk).digest("hex") !== CEREMONY_FIRST_CHUNK)
      unknown(folder, "its first 131,072 points are not those of the ceremony");
  } else if (
    !pointAt(folder, g1, points - 2)
      .double()
      .equals(pointAt(folder, g1, points - 1))
  ) {
    unknown(folder, "its last points are not those of the development one");
  }
  return { kind, points, g2: expected };
}

/** e(P₁, G₂) = e(P₀, τG₂), where P₀ is the generator. */
function areOfOneSecret(
  first: InstanceType<typeof Point>,
  second: InstanceType<typeof Point>,
  { x, y }: SrsG2,
): boolean {
  if (!first.equals(Point.BASE)) return false;
  const { Fp2, Fp12 } = bn254.fields;
  const tau = bn254.G2.Point.fromAffine({ x: Fp2.create(x), y: Fp2.create(y) });
  const product = bn254.pairingBatch([
    { g1: second.negate(), g2: bn254.G2.Point.BASE },
    { g1: first, g2: tau },
  ]);
  return Fp12.eql(product, Fp12.ONE);
}

function pointAt(folder: string, g1: Uint8Array, index: number): InstanceType<typeof Point> {
  const at = index * POINT_BYTES;
  const [x, y] = [g1.subarray(at, at + 32), g1.subarray(at + 32, at + 64)].map((word) => BigInt(toHex(word)));
  const point = Point.fromAffine({ x: x ?? 0n, y: y ?? 0n });
  try {
    point.assertValidity();
  } catch (cause) {
    return unknown(folder, `${G1_FILE} has a point that is none`, cause);
  }
  return point;
}

function g2Bytes({ x, y }: SrsG2): Uint8Array<ArrayBuffer> {
  return concatBytes(...[x.c0, x.c1, y.c0, y.c1].map(uintWord));
}

function readPart(folder: string, name: string): Uint8Array {
  const path = join(folder, name);
  if (!existsSync(path)) unknown(folder, `${name} is not there: run \`adyton srs make-dev\``);
  return readFileSync(path);
}

function unknown(folder: string, why: string, cause?: unknown): never {
  throw new ProverError({
    code: "PROVER_SRS_UNKNOWN",
    message: `no SRS that proofs can be made with: ${why}`,
    details: { folder },
    cause,
  });
}
