import { sha384 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { parseCcel } from "../../../attestation/eventlog/ccel.ts";
import { checkReplay, replayRtmrs } from "../../../attestation/eventlog/rtmr.ts";
import { concatBytes, toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { END, event, SHA256, SHA384, specIdEvent } from "../../support/fake-ccel.ts";

const digest = (fill: number) => new Uint8Array(48).fill(fill);
const NO_ACTION = 3;

describe("a CCEL log", () => {
  test("gives its events with the register each went to", () => {
    const log = concatBytes(
      specIdEvent(),
      event(1, [[SHA384, digest(1)]]),
      event(4, [[SHA384, digest(4)]]),
      END,
      digest(9),
    );
    expect(parseCcel(log).map(({ rtmr, digest: [first] }) => [rtmr, first])).toEqual([
      [0, 1],
      [3, 4],
    ]);
  });

  test("may carry digests of other algorithms beside", () => {
    const both = specIdEvent([
      [SHA256, 32],
      [SHA384, 48],
    ]);
    const log = concatBytes(
      both,
      event(1, [
        [SHA384, digest(7)],
        [SHA256, new Uint8Array(32)],
      ]),
    );
    expect(parseCcel(log)[0]?.digest).toEqual(digest(7));
  });

  test.for([
    ["the marker", END],
    ["zeros", new Uint8Array(64)],
    ["the buffer", new Uint8Array()],
    ["less than an event's head", Uint8Array.of(1, 2, 3)],
  ] as const)("ends with %s", ([, end]) => {
    expect(parseCcel(concatBytes(specIdEvent(), event(1, [[SHA384, digest(1)]]), end)).length).toBe(1);
  });

  test("passes over events that are not extended", () => {
    expect(parseCcel(concatBytes(specIdEvent(), event(1, [[SHA384, digest(0)]], NO_ACTION)))).toEqual([]);
  });

  test.for<readonly [string, Uint8Array, string]>([
    ["without its first event", event(1, [[SHA384, digest(1)]]), "EVIDENCE_MALFORMED"],
    ["whose first event is of another type", specIdEvent([[SHA384, 48]], 4), "EVIDENCE_MALFORMED"],
    [
      "that names more algorithms than there are",
      specIdEvent(Array.from({ length: 9 }, () => [1, 1])),
      "EVIDENCE_MALFORMED",
    ],
    ["without SHA-384", specIdEvent([[SHA256, 32]]), "EVIDENCE_UNSUPPORTED"],
    ["with SHA-384 of another length", specIdEvent([[SHA384, 32]]), "EVIDENCE_UNSUPPORTED"],
    [
      "of a fifth register",
      concatBytes(specIdEvent(), event(5, [[SHA384, digest(1)]])),
      "EVIDENCE_MALFORMED",
    ],
    ["with an event of no digest", concatBytes(specIdEvent(), event(1, [])), "EVIDENCE_MALFORMED"],
    [
      "with a digest of an algorithm that it did not name",
      concatBytes(specIdEvent(), event(1, [[SHA256, digest(1)]])),
      "EVIDENCE_MALFORMED",
    ],
    [
      "with more digests than algorithms",
      concatBytes(
        specIdEvent(),
        event(
          1,
          Array.from({ length: 9 }, () => [SHA384, digest(1)]),
        ),
      ),
      "EVIDENCE_MALFORMED",
    ],
    [
      "that ends inside an event",
      concatBytes(specIdEvent(), event(1, [[SHA384, digest(1)]]).slice(0, 30)),
      "EVIDENCE_MALFORMED",
    ],
    ["of nothing", new Uint8Array(), "EVIDENCE_MALFORMED"],
    ["beyond any genuine size", new Uint8Array(4 * 1024 * 1024 + 1), "EVIDENCE_MALFORMED"],
  ])("is refused %s", ([, log, code]) => {
    expect(codeOf(() => parseCcel(log))).toBe(code);
  });
});

describe("replaying", () => {
  const extensions = [1, 2].map((fill) => ({ rtmr: 2, digest: digest(fill) }));
  const twice = sha384(concatBytes(sha384(concatBytes(new Uint8Array(48), digest(1))), digest(2)));

  test("extends each register from zero, in order", () => {
    expect(replayRtmrs(extensions).map(toHex)).toEqual([digest(0), digest(0), twice, digest(0)].map(toHex));
  });

  test.for<readonly [string, number, Uint8Array, string]>([
    ["accepts the register", 2, twice, "nothing thrown"],
    ["refuses one bit of it", 2, twice.with(0, twice[0]! ^ 1), "EVIDENCE_BINDING_MISMATCH"],
    ["refuses another register", 1, twice, "EVIDENCE_BINDING_MISMATCH"],
    ["refuses a register that there is not", 4, twice, "EVIDENCE_BINDING_MISMATCH"],
  ])("%s", ([, rtmr, expected, code]) => {
    expect(
      codeOf(() => {
        checkReplay(extensions, rtmr, expected);
      }),
    ).toBe(code);
  });
});
