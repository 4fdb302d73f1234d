import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { findEvidence, type FoundEvidence } from "../../../attestation/evidence/find-evidence.ts";
import { concatBytes, fromHex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { flipBit } from "../../support/fake-x509.ts";
import { codeOf } from "../../support/code-of.ts";
import { mintFakeIntel } from "../../support/fake-intel.ts";
import { simulatedAttestation, simulatedQuote, simulatedServer } from "../../support/simulated-evidence.ts";

let quote: Uint8Array<ArrayBuffer>;
let certificate: Uint8Array<ArrayBuffer>;
let certificatePem: string;

beforeAll(async () => {
  quote = await simulatedQuote();
  certificatePem = (await simulatedServer(`0x${"11".repeat(32)}`)).cert;
  certificate = new Uint8Array(Buffer.from(certificatePem.replace(/-----[^-]+-----|\s/g, ""), "base64"));
});

/** The one piece in `input`. */
function findOne(input: Uint8Array): FoundEvidence {
  const [found, another] = findEvidence(input);
  if (found === undefined || another !== undefined) throw new Error("not one piece of evidence");
  return found;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const lines = (text: string): string => text.replace(/.{64}/g, "$&\n");

const FORMS: readonly (readonly [string, string, (bytes: Uint8Array) => string])[] = [
  ["hex", "hex", hex],
  ["hex with a prefix", "hex", (bytes) => `0x${hex(bytes)}`],
  [
    "upper-case hex in lines, with a newline at the end",
    "hex",
    (bytes) => `${lines(hex(bytes).toUpperCase())}\n`,
  ],
  ["base64", "base64", base64],
  ["base64 in lines", "base64", (bytes) => lines(base64(bytes))],
  ["base64url without padding", "base64", (bytes) => Buffer.from(bytes).toString("base64url")],
  [
    "PEM of any label",
    "PEM",
    (bytes) => `-----BEGIN QUOTE-----\n${lines(base64(bytes))}\n-----END QUOTE-----\n`,
  ],
  ["a JSON member in hex", "JSON", (bytes) => JSON.stringify({ a: 1, quote: hex(bytes) })],
  ["a JSON member deep inside", "JSON", (bytes) => JSON.stringify([{ b: [{ q: base64(bytes) }] }])],
  [
    "a JSON member behind a list of numbers",
    "JSON",
    (bytes) => JSON.stringify({ n: Array(9_999).fill(1), q: hex(bytes) }),
  ],
];

test("takes evidence as it is", () => {
  expect(findOne(quote)).toMatchObject({ form: "raw", kind: "simulator", bytes: quote, claims: null });
});

test.for(FORMS)("finds evidence in %s", ([, form, write]) => {
  expect(findOne(toUtf8(write(quote)))).toMatchObject({
    form,
    kind: "simulator",
    bytes: quote,
    claims: null,
  });
});

test("finds a certificate, raw and as PEM, with text around it", () => {
  expect(findOne(certificate)).toMatchObject({ form: "raw", kind: "certificate" });
  const pem = findOne(toUtf8(`subject: an enclave\n${certificatePem}`));
  expect(pem).toMatchObject({ form: "PEM", kind: "certificate", bytes: certificate });
});

describe("in a JSON document", () => {
  test("finds every piece: certificates that carry evidence are some, others are none", () => {
    const other = "-----BEGIN CERTIFICATE-----\nMIICAAAA\n-----END CERTIFICATE-----";
    const document = {
      other,
      certificate: certificatePem,
      inner: { quote: hex(quote), again: base64(quote) },
    };
    expect(findEvidence(toUtf8(JSON.stringify(document)))).toMatchObject([
      { kind: "certificate", path: "certificate", bytes: certificate },
      { kind: "simulator", path: "inner.quote", bytes: quote },
    ]);
  });

  test("finds pieces beside the members of another, and in JSON that is text", async () => {
    const { quote: tdx } = await mintFakeIntel();
    const device = { arch: "HOPPER", evidence: base64(quote), certificate: base64(toUtf8(certificatePem)) };
    const document = {
      quote: hex(tdx),
      event_log: "[]",
      nvidia_payload: JSON.stringify({ nonce: "00", evidence_list: [device, device] }),
    };
    expect(findEvidence(toUtf8(JSON.stringify(document)))).toMatchObject([
      { kind: "dstack", path: "" },
      { kind: "nvidia", path: "nvidia_payload.evidence_list" },
    ]);
  });

  test("a byte order mark before it means nothing, and a member named twice is refused", () => {
    const text = JSON.stringify({ quote: hex(quote) });
    expect(findOne(toUtf8(`\uFEFF${text}`)).kind).toBe("simulator");
    const twice = `{"a":{"quote":"00","quot\\u0065":"${hex(quote)}"}}`;
    expect(codeOf(() => findEvidence(toUtf8(twice)))).toBe("EVIDENCE_MALFORMED");
  });

  test("takes a certificate where there is nothing else", () => {
    const alone = findOne(toUtf8(JSON.stringify({ certificate: certificatePem })));
    expect(alone).toMatchObject({ form: "JSON", kind: "certificate", bytes: certificate });
  });

  test("keeps the claims that stand beside evidence of ours", async () => {
    const evidence = await simulatedAttestation(`0x${"22".repeat(32)}`);
    const found = findOne(toUtf8(JSON.stringify({ keyset: {}, evidence, endorsements: null })));
    expect(found).toMatchObject({
      form: "JSON",
      path: "evidence",
      kind: "simulator",
      bytes: fromHex(evidence.bytes),
      claims: evidence.claims,
    });
  });

  test("finds kinds that are JSON themselves inside of another document", async () => {
    const { quote: tdx } = await mintFakeIntel();
    const answer = { quote: hex(tdx), event_log: "[]" };
    expect(findOne(toUtf8(JSON.stringify(answer)))).toMatchObject({ form: "raw", kind: "dstack" });
    const nested = findOne(toUtf8(JSON.stringify({ result: answer })));
    expect(nested).toMatchObject({ form: "JSON", kind: "dstack" });
    expect(JSON.parse(new TextDecoder().decode(nested.bytes))).toEqual(answer);
  });

  test("finds bytes that serialisers write as numbers: evidence in them would else pass unjudged", () => {
    const altered = flipBit(quote, 8 * 200);
    const document = {
      good: hex(quote),
      other: [...altered],
      node: JSON.parse(JSON.stringify(Buffer.from(altered))) as unknown,
    };
    const found = findEvidence(toUtf8(JSON.stringify(document)));
    expect(found.map(({ path, kind }) => [path, kind])).toEqual([
      ["good", "simulator"],
      ["other", "simulator"],
    ]);
    expect(findOne(toUtf8(JSON.stringify([...quote])))).toMatchObject({ kind: "simulator", bytes: quote });
    const noBytes = [[...quote, 256], [...quote, -1], [...quote, 0.5], [...quote].map(String)];
    for (const list of noBytes)
      expect(codeOf(() => findEvidence(toUtf8(JSON.stringify({ list }))))).toBe("EVIDENCE_UNSUPPORTED");
  });

  test("gives up after so many members, and takes no longer for them", () => {
    for (const count of [66_000, 300_000]) {
      const document = { list: Array(count).fill("x"), inner: { quote: hex(quote) } };
      expect(codeOf(() => findEvidence(toUtf8(JSON.stringify(document))))).toBe("EVIDENCE_UNSUPPORTED");
    }
  });
});

test("finds what YAML and other text holds in base64, and not its certificates of other things", () => {
  const yaml = `ak_certificate: |\n  -----BEGIN CERTIFICATE-----\n  AAAA\n  -----END\nquote: >-\n  ${base64(quote)}\n`;
  expect(findOne(toUtf8(yaml))).toMatchObject({ kind: "simulator", bytes: quote });
});

describe("what stands beside a piece is a piece too", () => {
  const kinds = (text: string) => findEvidence(toUtf8(text)).map(({ kind }) => kind);
  const folded = (bytes: Uint8Array) => lines(base64(bytes)).replaceAll("\n", "\n  ");

  test("a quote beside certificates in PEM, whether they carry evidence or not", () => {
    expect(kinds(`${certificatePem}\nquote: ${base64(quote)}\n`).sort()).toEqual([
      "certificate",
      "simulator",
    ]);
    const other = "-----BEGIN CERTIFICATE-----\nMIICAAAA\n-----END CERTIFICATE-----";
    expect(kinds(`${other}\nquote: ${base64(quote)}\n`)).toEqual(["simulator"]);
  });

  test("folded lines of a YAML document", () => {
    const altered = flipBit(quote, 8 * 100);
    const yaml = `a: |\n  ${folded(quote)}\nb: |\r\n  ${folded(altered).replaceAll("\n", "\r\n")}\r\n`;
    expect(findEvidence(toUtf8(yaml)).map(({ bytes }) => bytes)).toEqual([quote, altered]);
  });

  test("a quote behind another's end", () => {
    const altered = flipBit(quote, 8 * 100);
    const found = findEvidence(concatBytes(quote, altered, new Uint8Array(64)));
    expect(found).toHaveLength(2);
    expect(found.map(({ bytes }) => bytes.length)).toContain(altered.length + 64);
  });

  test("more runs than are looked at are not judged: a piece behind them would go unseen", () => {
    const text = `${`x: ${"A".repeat(512)}\n`.repeat(300)}quote: ${base64(quote)}\n`;
    expect(codeOf(() => findEvidence(toUtf8(text)))).toBe("EVIDENCE_UNSUPPORTED");
  });
});

describe("megabytes of text that holds nothing end in a word of ours, whatever it looks like", () => {
  test.for<readonly [string, string]>([
    ["hex", "aa"],
    ["base64", "AAAA"],
    ["hex with colons", "aa:"],
    ["heads of PEM", "-----BEGIN A-----\n"],
    ["spaces", " "],
    ["quotation marks", '"'],
  ])("%s", ([, unit]) => {
    for (const bytes of [8 * 1024 * 1024 - 64, 12 * 1024 * 1024]) {
      const text = toUtf8(unit.repeat(bytes / unit.length));
      expect(codeOf(() => findEvidence(text))).toBe("EVIDENCE_UNSUPPORTED");
    }
  });

  test("a body of PEM without an end", () => {
    const text = toUtf8(`-----BEGIN A-----${"A".repeat(8_000_000)}`);
    expect(codeOf(() => findEvidence(text))).toBe("EVIDENCE_UNSUPPORTED");
  });
});

describe("what is wrapped", () => {
  const wrap = (bytes: Uint8Array) => base64(new Uint8Array(gzipSync(bytes)));
  /** Claims a byte more than it is, which its last block shows. */
  const damaged = (bytes: Uint8Array) => {
    const zip = new Uint8Array(gzipSync(bytes));
    return base64(zip.with(zip.length - 4, zip[zip.length - 4]! + 1));
  };
  const inJson = (document: unknown) => toUtf8(JSON.stringify(document));
  const url = (text: string) => Buffer.from(text).toString("base64url");

  test("in gzip is unpacked", () => {
    expect(findOne(new Uint8Array(gzipSync(quote)))).toMatchObject({ form: "gzip", kind: "simulator" });
    const document = { format: "a predicate", body: wrap(quote) };
    expect(findOne(inJson(document))).toMatchObject({ form: "JSON", kind: "simulator", path: "body" });
    expect(findOne(inJson({ body: wrap(inJson({ quote: hex(quote) })) }))).toMatchObject({
      path: "body.quote",
    });
  });

  test("in base64 of JSON is unpacked, as in a conceptual message wrapper", () => {
    const inner = url(JSON.stringify({ quote: hex(quote), padding: " ".repeat(64) }));
    const document = { cmw: url(JSON.stringify({ "tsm-report": ["application/json", inner] })) };
    expect(findOne(inJson(document))).toMatchObject({ path: "cmw.tsm-report[1].quote" });
    expect(findOne(toUtf8(inner))).toMatchObject({ kind: "simulator", path: "quote" });
  });

  test("in gzip that is damaged is passed over", () => {
    const document = { body: wrap(quote).slice(0, 400), quote: hex(quote) };
    expect(findOne(inJson(document))).toMatchObject({ path: "quote" });
  });

  test.for([
    ["one bomb", () => ({ body: wrap(new Uint8Array(64 * 1024 * 1024)) })],
    ["many that are too much together", () => Array<string>(5).fill(wrap(new Uint8Array(4 * 1024 * 1024)))],
    ["many that are cut off", () => Array<string>(5).fill(damaged(new Uint8Array(4 * 1024 * 1024)))],
  ] as const)("in %s is not judged: what it holds would go unseen", ([, document]) => {
    const bytes = inJson({ quote: hex(quote), more: document() });
    expect(codeOf(() => findEvidence(bytes))).toBe("EVIDENCE_UNSUPPORTED");
  });

  test("more often than services do is not found", () => {
    const deep = Array.from({ length: 10 }).reduce<Uint8Array>((inner) => gzipSync(inner), quote);
    expect(codeOf(() => findEvidence(deep))).toBe("EVIDENCE_UNSUPPORTED");
  });
});

test("a result that somebody else signed is no evidence", () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "ES256" })}.${part({ iss: "https://example.org" })}.AAAA`;
  let message = "";
  try {
    findEvidence(toUtf8(token));
  } catch (error) {
    message = String(error);
  }
  expect(message).toMatch(/adyton result/);
});

test.for([
  ["nothing", ""],
  ["text", "hello"],
  ["text with signs that no encoding has", "hello, world!"],
  ["hex of something else", "00ff"],
  ["an odd number of digits", "abc"],
  ["base64 of one digit too many", "AAAAA"],
  ["PEM of something else", "-----BEGIN X-----\nAAAA\n-----END X-----"],
  ["PEM that is not base64", "-----BEGIN X-----\nA=AA\n-----END X-----"],
  ["JSON without evidence", '{"a":[1,null,"b",{"c":true}]}'],
  ["JSON that ends too early", '{"a":'],
] as const)("finds none in %s", ([, text]) => {
  expect(codeOf(() => findEvidence(toUtf8(text)))).toBe("EVIDENCE_UNSUPPORTED");
});

test("bytes that are no text and no evidence are not recognised", () => {
  expect(codeOf(() => findEvidence(Uint8Array.of(0xff, 0xfe, 0x80)))).toBe("EVIDENCE_UNSUPPORTED");
});

test("whatever it is given, it finds evidence or says EVIDENCE_UNSUPPORTED", () => {
  const text = fc
    .oneof(fc.string(), fc.json(), fc.base64String(), fc.stringMatching(/^[0-9a-f]*$/))
    .map(toUtf8);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 2_000 }), text), (bytes) => {
      expect(["EVIDENCE_UNSUPPORTED", "nothing thrown"]).toContain(codeOf(() => findEvidence(bytes)));
    }),
    { numRuns: 500 },
  );
});
