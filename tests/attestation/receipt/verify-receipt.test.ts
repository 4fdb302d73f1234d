import { beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { encodeCanonicalJson, parseCanonicalJson, type Json } from "../../../protocol/canonical-json.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import { BIT_STRIDE } from "../../support/bits/config.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";

type JsonObject = { [key: string]: Json };

/** Every path to a leaf of a JSON value: ["answer", "status"], ["transcript", "0", "event", "time"], … */
function leafPaths(value: Json, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [at];
  return Object.entries(value).flatMap(([key, inner]) => leafPaths(inner, [...at, key]));
}

function edit(file: Uint8Array, path: readonly string[], change: (old: Json) => Json): Uint8Array {
  const copy = structuredClone(parseCanonicalJson(file)) as JsonObject;
  const parent = path.slice(0, -1).reduce<JsonObject>((node, key) => node[key] as JsonObject, copy);
  const key = path.at(-1)!;
  parent[key] = change(parent[key] as Json);
  return encodeCanonicalJson(copy);
}

/** The smallest change of a value that is still of its type and form. */
function nearest(old: Json): Json {
  if (typeof old === "number") return old + 1;
  if (typeof old === "boolean") return !old;
  if (typeof old !== "string") return "something";
  const last = old.at(-1) ?? "";
  if (/^0x(?:[0-9a-f]{2})*$/.test(old))
    return old === "0x" ? "0x00" : old.slice(0, -1) + (last === "0" ? "1" : "0");
  if (/^[0-9]+$/.test(old)) return (BigInt(old) + 1n).toString();
  return old.slice(0, -1) + (last === "x" ? "y" : "x");
}

async function refusal(file: Uint8Array): Promise<AdytonError> {
  const error: unknown = await verifyReceipt(file).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AdytonError)) throw new Error("the receipt was accepted", { cause: error });
  return error;
}

/** Which step notices a change of which field. */
function expectedCheck([field, ...rest]: readonly string[]): readonly string[] {
  switch (field) {
    case "version":
    case "domain":
      return ["format", "domain"];
    case "request":
      return ["format", "domain", "request"];
    case "payload":
      return ["payload"];
    case "answer":
      return [
        "format",
        "request",
        "output",
        "state-block",
        "transcript-root",
        "transcript-events",
        "keyset",
        "signature",
      ];
    case "stateBlock":
      // The number is under no signature of its own: the first event repeats it.
      return ["format", "state-block", "transcript-events"];
    case "signature":
      return ["signature"];
    case "output":
      return ["output"];
    case "transcript":
      return ["format", "payload", "transcript-root"];
    case "bodies":
      return ["format", "bodies"];
    case "keyset":
      return ["keyset"];
    case "evidence":
      return [{ kind: "evidence", bytes: "evidence-hash", claims: "binding" }[rest[0]!]!];
    default:
      return [];
  }
}

describe.each(["on chain", "off chain"] as const)("a receipt from %s", (where) => {
  let file: Uint8Array;
  beforeAll(async () => {
    file = await createSampleReceipt({ where });
  });

  test("verifies, and lists what was compared", async () => {
    const { checks, evidence } = await verifyReceipt(file);
    expect(checks.map(({ name }) => name)).toEqual([
      "format",
      "domain",
      "request",
      "payload",
      "output",
      "state-block",
      "transcript-root",
      "transcript-events",
      "bodies",
      "evidence-hash",
      "keyset",
      "signature",
      "evidence",
      "binding",
    ]);
    expect(evidence.kind).toBe("simulator");
  });

  test("is refused when any of its fields changes, by the step that the field belongs to", async () => {
    const paths = leafPaths(parseCanonicalJson(file));
    expect(paths.length).toBeGreaterThan(60);
    for (const path of paths) {
      const error = await refusal(edit(file, path, nearest));
      expect(error.code, path.join(".")).toMatch(/^EVIDENCE_/);
      expect(expectedCheck(path), path.join(".")).toContain(error.details["check"]);
    }
  });

  test("is refused when the name of any body changes", async () => {
    const receipt = parseCanonicalJson(file) as JsonObject;
    const bodies = receipt["bodies"] as JsonObject;
    for (const name of Object.keys(bodies)) {
      const { [name]: body, ...others } = bodies;
      const changed = encodeCanonicalJson({
        ...receipt,
        bodies: { ...others, [nearest(name) as string]: body! },
      });
      expect((await refusal(changed)).details["check"]).toBe("bodies");
    }
  });

  test("is refused when any field is missing or added", async () => {
    const receipt = parseCanonicalJson(file) as JsonObject;
    for (const name of Object.keys(receipt)) {
      const others = Object.fromEntries(Object.entries(receipt).filter(([field]) => field !== name));
      expect((await refusal(encodeCanonicalJson(others))).details["check"], name).toBe("format");
    }
    expect((await refusal(encodeCanonicalJson({ ...receipt, note: "x" }))).details["check"]).toBe("format");
  });

  test.for([
    [
      "a hexadecimal letter in upper case",
      (text: string) => text.replace(/(0x[0-9]*)([a-f])/, (_, a: string, b: string) => a + b.toUpperCase()),
    ],
    ["a newline at the end", (text: string) => `${text}\n`],
    ["a space after a colon", (text: string) => text.replace('":', '": ')],
    ["a byte order mark", (text: string) => `\u{feff}${text}`],
    ["a field given twice", (text: string) => text.replace('"version":2}', '"version":2,"version":2}')],
    ["version 1", (text: string) => text.replace('"version":2}', '"version":1}')],
    ["truncation", (text: string) => text.slice(0, -1)],
    ["an empty file", () => ""],
    ["another JSON value", () => "[]"],
  ] as const)("refuses %s", async ([, change]) => {
    const changed = change(new TextDecoder().decode(file));
    expect(changed).not.toBe(new TextDecoder().decode(file));
    const error = await refusal(toUtf8(changed));
    expect(error.code).toBe("EVIDENCE_MALFORMED");
    expect(error.details["check"]).toBe("format");
  });

  test("verifies with events and bodies withheld, and says how many", async () => {
    const withheld = await createSampleReceipt({ where, withhold: true });
    const { checks } = await verifyReceipt(withheld);
    expect(checks.find(({ name }) => name === "transcript-root")?.detail).toContain("2 withheld");
    expect(checks.find(({ name }) => name === "bodies")?.detail).toContain("0 of 0");
  });
});

/** A receipt's text with one bit of one byte that it spells changed: of hexadecimal, the byte is the one spelled. */
function* changedTexts(text: string): Generator<string> {
  const { evidence } = JSON.parse(text) as { evidence: { bytes: string } };
  const evidenceAt = text.indexOf(evidence.bytes);
  const isHex = new Uint8Array(text.length);
  for (const { index, 0: value } of text.matchAll(/(?<="0x)[0-9a-f]+(?=")/g))
    isHex.fill(1, index, index + value.length);
  for (let at = 0; at < text.length; at++) {
    const isEvidence = at > evidenceAt + 1 && at < evidenceAt + evidence.bytes.length;
    if (isEvidence && at % EVIDENCE_STRIDE !== 0) continue;
    const [bits, before, after] = [isHex[at] === 1 ? 4 : 8, text.slice(0, at), text.slice(at + 1)];
    for (let bit = 0; bit < bits; bit++) {
      const changed =
        bits === 4
          ? (Number.parseInt(text[at]!, 16) ^ (1 << bit)).toString(16)
          : String.fromCharCode(text.charCodeAt(at) ^ (1 << bit));
      yield before + changed + after;
    }
  }
}

/** Of the evidence's digits, one in so many is changed: `intel/signed-regions.test.ts` flips every bit of evidence. */
const EVIDENCE_STRIDE = 16;
const SHARDS = [0, 1, 2, 3] as const;

/** In four parts, so that none takes long on a machine that does something else. */
test.for(SHARDS)(
  "refuses a receipt with any one bit changed, by a step that has a name (part %i)",
  { timeout: 300_000 },
  async (shard, { annotate }) => {
    const text = new TextDecoder().decode(await createSampleReceipt({ where: "on chain" }));
    let flipped = 0;
    let place = 0;
    for (const changed of changedTexts(text)) {
      place += 1;
      if (place % SHARDS.length !== shard || Math.floor(place / SHARDS.length) % BIT_STRIDE !== 0) continue;
      const error = await refusal(toUtf8(changed));
      expect(error.code).toMatch(/^EVIDENCE_/);
      expect(error.details["check"]).toBeTypeOf("string");
      flipped += 1;
    }
    await annotate(`${flipped} bits flipped, one at a time, each through the whole verifier`);
    expect(flipped).toBeGreaterThan(Math.floor(7_500 / BIT_STRIDE));
  },
);

test("refuses evidence that is not genuine, though the answer's signature covers it", async () => {
  const error = await refusal(await createSampleReceipt({ where: "on chain", forgedEvidence: true }));
  expect(error.code).toBe("EVIDENCE_SIGNATURE_INVALID");
  expect(error.details["check"]).toBe("evidence");
});

test("cannot judge with endorsements that it cannot read, which says nothing about the evidence", async () => {
  const receipt = parseCanonicalJson(await createSampleReceipt({ where: "on chain" })) as JsonObject;
  const error = await refusal(encodeCanonicalJson({ ...receipt, endorsements: { intel: {} } }));
  expect(error.code).toBe("ENDORSEMENT_MALFORMED");
});

test("refuses the answer of one chain or coordinator as that of another", async () => {
  const file = await createSampleReceipt({ where: "on chain" });
  const elsewhere = edit(
    edit(file, ["domain", "chainId"], () => "1"),
    ["request", "chainId"],
    () => "1",
  );
  expect((await refusal(elsewhere)).details["check"]).toBe("request");
});

test("refuses an on-chain answer presented as an off-chain one", async () => {
  const file = await createSampleReceipt({ where: "on chain" });
  const receipt = parseCanonicalJson(file) as JsonObject;
  const answer = receipt["answer"] as JsonObject;
  const moved = encodeCanonicalJson({
    ...receipt,
    domain: { name: "Adyton Off-chain", version: "2" },
    request: { requestId: answer["requestId"]! },
    stateBlock: null,
  });
  expect((await refusal(moved)).details["check"]).toBe("state-block");
});
