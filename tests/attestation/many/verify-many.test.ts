import { expect, test } from "vitest";
import { verifyMany } from "../../../attestation/index.ts";
import { checksOf } from "../../../attestation/evidence/check-list.ts";
import { checkSealed } from "../../../attestation/evidence/verified-evidence.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { threadsOf } from "../../../attestation/many/threads.ts";
import { decodeError, encodeError } from "../../../attestation/many/wire.ts";
import { SIMULATED_NOW, simulatedQuote } from "../../support/simulated-evidence.ts";

const now = SIMULATED_NOW;

/** Every seventh has a bit changed, every eleventh is nothing. */
async function batch(count: number): Promise<readonly Uint8Array[]> {
  const genuine = await simulatedQuote();
  return Array.from({ length: count }, (_, index) => {
    if (index % 11 === 10) return new Uint8Array(index);
    const quote = new Uint8Array(genuine);
    if (index % 7 === 6) quote[600]! ^= 1;
    return quote;
  });
}

/** What a caller can tell of a result. */
function describeResults(results: Awaited<ReturnType<typeof verifyMany>>): readonly unknown[] {
  return results.map((result) =>
    result.ok
      ? { ...result.evidence }
      : {
          name: result.error.constructor.name,
          code: result.error.code,
          message: result.error.message,
          details: result.error.details,
          checks: checksOf(result.error).map(({ name, ok }) => ({ name, ok })),
        },
  );
}

test("threads give every piece the result that this one gives, in order", async () => {
  const pieces = await batch(70);
  const here = await verifyMany(pieces, {}, { now, workers: 0 });
  const there = await verifyMany(pieces, {}, { now, workers: 2 });
  expect(describeResults(there)).toEqual(describeResults(here));
  expect(here.map((result) => (result.ok ? "genuine" : result.error.code)).slice(0, 11)).toEqual([
    ...Array.from({ length: 6 }, () => "genuine"),
    "EVIDENCE_SIGNATURE_INVALID",
    ...Array.from({ length: 3 }, () => "genuine"),
    "EVIDENCE_UNSUPPORTED",
  ]);
});

test.for([
  ["fewer than a share", 3, 2],
  ["a share and a piece", 17, 1],
  ["more threads than shares", 40, 8],
] as const)("every piece has its result: %s", async ([, count, workers]) => {
  const pieces = await batch(count);
  const results = await verifyMany(pieces, {}, { now, workers });
  expect(results).toHaveLength(count);
  expect(describeResults(results)).toEqual(
    describeResults(await verifyMany(pieces, {}, { now, workers: 0 })),
  );
});

test("what a thread verified can be appraised: it is sealed here", async () => {
  const results = await verifyMany(await batch(40), {}, { now, workers: 2 });
  const genuine = results.flatMap((result) => (result.ok ? [result.evidence] : []));
  expect(genuine.length).toBeGreaterThan(20);
  for (const evidence of genuine) {
    expect(() => {
      checkSealed(evidence);
    }).not.toThrow();
  }
});

test("two batches at once with other endorsements keep theirs", async () => {
  const pieces = await batch(40);
  const [first, second] = await Promise.all([
    verifyMany(pieces, {}, { now, workers: 2 }),
    verifyMany(pieces, { amd: { certificates: [], crls: [] } }, { now, workers: 2 }),
  ]);
  expect(describeResults(second)).toEqual(describeResults(first));
});

test("no pieces, no results; a time in milliseconds is refused", async () => {
  expect(await verifyMany([], {}, { now })).toEqual([]);
  await expect(verifyMany([], {}, { now: now * 1000 })).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test("a runtime without Node's threads has none", () => {
  expect(threadsOf({})).toBeNull();
  expect(threadsOf({ process: {} })).toBeNull();
});

test("an error that is none of ours is not sent as one", async () => {
  expect(() => encodeError(new TypeError("a bug"))).toThrow(TypeError);
  const quote = await simulatedQuote();
  quote[600]! ^= 1;
  const error: unknown = await verifyEvidence(quote, {}, { now }).catch((reason: unknown) => reason);
  const decoded = decodeError(structuredClone(encodeError(error)));
  expect(decoded).toMatchObject({
    code: "EVIDENCE_SIGNATURE_INVALID",
    details: { signature: expect.any(String) as unknown },
  });
  expect(checksOf(decoded)).toHaveLength(checksOf(error as never).length);
});
