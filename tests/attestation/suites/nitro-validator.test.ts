/** Shapes of CBOR of base/nitro-validator's tests (docs/reference/vectors.md, Other projects' suites). */

import { encode } from "cborg";
import { describe, expect, test } from "vitest";
import { parseNitroDocument } from "../../../attestation/aws/nitro-document.ts";
import { concatBytes } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

describe("base/nitro-validator 0ea0d12: shapes of CBOR in its tests, read without looking at signatures", () => {
  const pcr = new Uint8Array(48);
  const certificate = new Uint8Array(100).fill(0x30);
  const FIELDS: readonly (readonly [string, Uint8Array])[] = [
    ["module_id", encode("i-0123456789abcdef0-enc0123456789abcdef")],
    ["digest", encode("SHA384")],
    ["timestamp", encode(1_767_225_600_000)],
    ["pcrs", encode(new Map([0, 1, 2, 3, 4, 8].map((index) => [index, pcr])))],
    ["certificate", encode(certificate)],
    ["cabundle", encode([certificate])],
    ["public_key", encode(null)],
    ["user_data", encode(null)],
    ["nonce", encode(null)],
  ];
  const INDEFINITE_MAP = 0xbf;
  const INDEFINITE_ARRAY = 0x9f;
  const BREAK = 0xff;
  const indefinite = (head: number, ...items: readonly Uint8Array[]): Uint8Array =>
    concatBytes(Uint8Array.of(head), ...items, Uint8Array.of(BREAK));
  const member = ([name, value]: readonly [string, Uint8Array]): Uint8Array =>
    concatBytes(encode(name), value);
  const changed = (name: string, value: Uint8Array | undefined) =>
    FIELDS.flatMap((field) =>
      field[0] !== name ? [field] : value === undefined ? [] : [[name, value] as const],
    );
  const definiteMap = (fields: readonly (readonly [string, Uint8Array])[]): Uint8Array =>
    concatBytes(Uint8Array.of(0xa0 + fields.length), ...fields.map(member));
  const cose = (payload: Uint8Array, unprotectedHeader: Uint8Array = encode({})): Uint8Array =>
    concatBytes(
      Uint8Array.of(0x84),
      encode(encode(new Map([[1, -35]]))),
      unprotectedHeader,
      encode(payload),
      encode(new Uint8Array(96)),
    );
  const pcrsIndefinite = indefinite(INDEFINITE_MAP, encode(0), encode(pcr));
  const bundleIndefinite = indefinite(INDEFINITE_ARRAY, encode(certificate));
  const twice = (name: string): Uint8Array =>
    definiteMap([...FIELDS, FIELDS.find((field) => field[0] === name)!]);

  test.for<readonly [string, Uint8Array, string]>([
    ["a map of definite length", cose(definiteMap(FIELDS)), "nothing thrown"],
    [
      "a map of indefinite length, keys in another order",
      cose(indefinite(INDEFINITE_MAP, ...FIELDS.toReversed().map(member))),
      "nothing thrown",
    ],
    ["no public key", cose(definiteMap(changed("public_key", undefined))), "nothing thrown"],
    [
      "a public key of no bytes",
      cose(definiteMap(changed("public_key", encode(new Uint8Array())))),
      "EVIDENCE_MALFORMED",
    ],
    ["a public key", cose(definiteMap(changed("public_key", encode(new Uint8Array(65))))), "nothing thrown"],
    [
      "a map that ends after its first member",
      cose(indefinite(INDEFINITE_MAP, member(FIELDS[0]!))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "PCRs of indefinite length, empty",
      cose(definiteMap(changed("pcrs", Uint8Array.of(INDEFINITE_MAP, BREAK)))),
      "EVIDENCE_MALFORMED",
    ],
    ["PCRs of indefinite length", cose(definiteMap(changed("pcrs", pcrsIndefinite))), "nothing thrown"],
    [
      "an unknown key of a map",
      cose(definiteMap([...FIELDS, ["future", encode(new Map([[1, 2]]))]])),
      "nothing thrown",
    ],
    [
      "an unknown key of an array of indefinite length",
      cose(definiteMap([...FIELDS, ["future", indefinite(INDEFINITE_ARRAY, encode(1), encode(2))]])),
      "nothing thrown",
    ],
    // Theirs passes over unknown keys, also twice. RFC 8949 §5.6: a map with a key twice is not valid, and has two meanings.
    [
      "an unknown key twice",
      cose(definiteMap([...FIELDS, ["future", encode(1)], ["future", encode(1)]])),
      "EVIDENCE_MALFORMED",
    ],
    ...["pcrs", "cabundle", "module_id", "timestamp", "public_key", "nonce"].map(
      (name) => [`${name} twice`, cose(twice(name)), "EVIDENCE_MALFORMED"] as const,
    ),
    ["PCRs 0 to 4 and 8", cose(definiteMap(FIELDS)), "nothing thrown"],
    ["PCR 32", cose(definiteMap(changed("pcrs", encode(new Map([[32, pcr]]))))), "EVIDENCE_MALFORMED"],
    [
      "bytes after the payload's map",
      cose(concatBytes(definiteMap(FIELDS), Uint8Array.of(0))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "bytes after the document",
      concatBytes(cose(definiteMap(FIELDS)), Uint8Array.of(0)),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a bundle of thousands",
      cose(definiteMap(changed("cabundle", encode(Array.from({ length: 3000 }, () => new Uint8Array(1)))))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a map of indefinite length that never ends",
      cose(indefinite(INDEFINITE_MAP, ...FIELDS.map(member)).slice(0, -1)),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a bundle of indefinite length",
      cose(definiteMap(changed("cabundle", bundleIndefinite))),
      "nothing thrown",
    ],
    [
      "a bundle of indefinite length, empty",
      cose(definiteMap(changed("cabundle", Uint8Array.of(INDEFINITE_ARRAY, BREAK)))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "everything of indefinite length",
      cose(
        indefinite(
          INDEFINITE_MAP,
          ...changed("pcrs", pcrsIndefinite).map((field) =>
            member(field[0] === "cabundle" ? ["cabundle", bundleIndefinite] : field),
          ),
        ),
      ),
      "nothing thrown",
    ],
    // Theirs passes over it. Nothing signs that header, and no document of AWS's has anything there.
    [
      "an unprotected header with something in it",
      cose(definiteMap(FIELDS), encode(new Map([[4, new Uint8Array(2)]]))),
      "EVIDENCE_MALFORMED",
    ],
    [
      "an unprotected header that ends before its value",
      cose(definiteMap(FIELDS), Uint8Array.of(0xa1, 4)).slice(0, 12),
      "EVIDENCE_MALFORMED",
    ],
    [
      "a certificate longer than 1024 bytes",
      cose(definiteMap(changed("certificate", encode(new Uint8Array(1025))))),
      "EVIDENCE_MALFORMED",
    ],
  ])("%s", ([, document, expected]) => {
    expect(codeOf(() => parseNitroDocument(document))).toBe(expected);
  });
});
