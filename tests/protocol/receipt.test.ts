import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";
import { without } from "../support/without.ts";

const hash = p.keccakText("hash");

function receiptOf(on: "chain" | "off chain"): p.Receipt {
  const [request] = fc.sample(arbitrary.request, { numRuns: 1, seed: 7 });
  const [answer] = fc.sample(arbitrary.answer, { numRuns: 1, seed: 7 });
  const [keyset] = fc.sample(arbitrary.keyset, { numRuns: 1, seed: 7 });
  const common = {
    version: 2 as const,
    payload: "0x0101" as const,
    answer: answer!,
    signature: `0x${"ab".repeat(65)}` as const,
    output: "0x" as const,
    transcript: [
      { leafHash: hash },
      {
        salt: hash,
        event: {
          type: "output.returned" as const,
          status: 1,
          outputHash: hash,
          outputBytes: 0,
          reason: null,
        },
      },
    ],
    bodies: { [hash]: "0x7b7d" as const },
    keyset: keyset!,
    evidence: { kind: "simulator", bytes: "0x01" as const, claims: "0x02" as const },
    endorsements: { tcbInfo: "{}", list: [1, null, { deep: true }] },
  };
  return on === "chain"
    ? {
        ...common,
        domain: p.onChainDomain(request!.chainId, request!.coordinator),
        request: request!,
        stateBlock: { number: 17n, hash },
      }
    : { ...common, domain: p.offChainDomain(), request: { requestId: hash }, stateBlock: null };
}

const onChain = receiptOf("chain");
const text = p.fromUtf8(p.encodeReceipt(onChain));
const wire = JSON.parse(text) as Record<string, unknown>;
const canonical = (value: object): Uint8Array => p.encodeCanonicalJson(value as p.Json);

test.for(["chain", "off chain"] as const)("a receipt on %s is read as it was written", (on) => {
  const receipt = receiptOf(on);
  expect(p.parseReceipt(p.encodeReceipt(receipt))).toEqual(receipt);
  expect(p.isOnChain(receipt)).toBe(on === "chain");
});

test("a JSON object without a domain is told what an on-chain receipt has", () => {
  const rest = without(wire, "domain");
  expect(() => p.parseReceipt(canonical(rest))).toThrow(
    expect.objectContaining({ code: "INPUT_INVALID", details: { field: "domain" } }),
  );
});

describe("refuses", () => {
  test.for([
    ["a newline at the end", `${text}\n`],
    ["a space", text.replace(",", ", ")],
    ["a field given twice", text.replace('{"answer"', '{"output":"0x","answer"')],
    ["an upper-case digit", text.replace("abab", "aBab")],
    ["a number written otherwise", text.replace('"version":2', '"version":2.0')],
    ["a key that schemas pass over", text.replace('"bodies":{', '"bodies":{"__proto__":"0x",')],
    ["such a key in the endorsements", text.replace('"endorsements":{', '"endorsements":{"__proto__":1,')],
    ["text that is not JSON", "receipt"],
    ["a JSON value that is no object", "[]"],
  ] as const)("%s", ([, changed]) => {
    expect(changed).not.toBe(text);
    expect(codeOf(() => p.parseReceipt(p.toUtf8(changed)))).toBe("INPUT_INVALID");
  });

  test.for(Object.keys(wire))("a receipt without %s", (field) => {
    const rest = without(wire, field);
    expect(codeOf(() => p.parseReceipt(canonical(rest)))).toBe("INPUT_INVALID");
  });

  test.for([
    ["one field more", { extra: 1 }],
    ["version 1, which had no block", { version: 1 }],
    ["no block, which is an off-chain receipt's", { stateBlock: null }],
    ["a block whose hash is zero", { stateBlock: { number: "17", hash: p.NO_STATE_BLOCK } }],
    ["the domain of the other kind", { domain: p.offChainDomain() }],
    ["a body under a name that is no hash", { bodies: { "0x01": "0x" } }],
    ["evidence of no kind", { evidence: { kind: "", bytes: "0x", claims: "0x" } }],
    ["endorsements that are a list", { endorsements: [] }],
  ] as const)("%s", ([, change]) => {
    expect(codeOf(() => p.parseReceipt(canonical({ ...wire, ...change })))).toBe("INPUT_INVALID");
  });

  test("a file past the limit, before it reads it", () => {
    expect(codeOf(() => p.parseReceipt(new Uint8Array(p.MAX_RECEIPT_BYTES + 1)))).toBe("INPUT_TOO_LARGE");
  });

  test("endorsements nested deeper than any reader's stack", () => {
    const deep = text.replace(
      '"endorsements":{',
      `"endorsements":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)},`,
    );
    expect(codeOf(() => p.parseReceipt(p.toUtf8(deep)))).toBe("INPUT_INVALID");
  });

  test("or reads whatever is mutated, and then writes the same bytes", () => {
    const bytes = p.encodeReceipt(onChain);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const mutated = bytes.slice();
        mutated[at] = byte;
        expect(
          codeOf(() => {
            expect(p.encodeReceipt(p.parseReceipt(mutated))).toEqual(mutated);
          }),
        ).toMatch(/^(INPUT_INVALID|nothing thrown)$/);
      }),
      { numRuns: 300 },
    );
  });
});
