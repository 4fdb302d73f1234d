import { AbiCoder } from "ethers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";
import { packPrompt as pack } from "../support/pack-prompt.ts";
import { PROMPTS } from "../support/prompt-vectors.ts";

const text = (value: string): string => Buffer.from(value).toString("hex");

test("the body is the packed form, written out here by itself, and decodes to the same prompt", () => {
  fc.assert(
    fc.property(arbitrary.prompt, (prompt) => {
      const body = p.encodePrompt(prompt);
      expect(p.toHex(body)).toBe(p.toHex(pack(prompt)));
      expect(p.decodePrompt(body)).toEqual(prompt);
    }),
  );
});

test("the words of the reference, byte by byte", () => {
  expect(p.toHex(p.encodePrompt(p.Prompt.parse(PROMPTS.choice)))).toBe(
    "0x01" + // one model, and so no panel
      `17${text("anthropic/claude-opus-5")}` +
      "000010" + // maxOutputTokens
      "00" + // no sampling
      "03" + // choice
      `030005${text("allow")}0006${text("review")}0005${text("block")}` +
      "01" + // one message
      `02000009${text("Allow it?")}`,
  );
});

describe("bodies that are not a prompt", () => {
  test("truncated are refused, or at a part's end another prompt; extended they are refused", () => {
    fc.assert(
      fc.property(arbitrary.prompt, fc.nat(), fc.nat(255), (prompt, at, more) => {
        const body = p.encodePrompt(prompt);
        const cut = body.subarray(0, at % body.length);
        const ends = prompt.parts.map((_, index) =>
          p.encodePrompt({ ...prompt, parts: prompt.parts.slice(0, index) }),
        );
        const isPartsEnd = ends.some(({ length }) => length === cut.length);
        expect(codeOf(() => p.decodePrompt(cut))).toBe(isPartsEnd ? "nothing thrown" : "INPUT_INVALID");
        const extended = p.concatBytes(body, Uint8Array.of(more));
        expect(codeOf(() => p.decodePrompt(extended))).toBe("INPUT_INVALID");
      }),
    );
  });

  test("mutated give another prompt or INPUT_INVALID, never the same prompt and never another error", () => {
    fc.assert(
      fc.property(
        arbitrary.prompt,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }),
        (prompt, changes) => {
          const body = p.encodePrompt(prompt);
          const mutated = body.slice();
          for (const [at, byte] of changes) mutated[at % mutated.length] = byte;
          fc.pre(!p.equalBytes(body, mutated));
          expect(
            codeOf(() => {
              expect(p.decodePrompt(mutated)).not.toEqual(prompt);
            }),
          ).toMatch(/^(INPUT_INVALID|nothing thrown)$/);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("of random bytes are refused, or have the one spelling of what they say", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(
          codeOf(() => {
            expect(p.toHex(p.encodePrompt(p.decodePrompt(bytes)))).toBe(p.toHex(bytes));
          }),
        ).toMatch(/^(INPUT_INVALID|nothing thrown)$/);
      }),
      { numRuns: 500 },
    );
  });

  test("mutated have the one spelling of what they say", () => {
    fc.assert(
      fc.property(arbitrary.prompt, fc.nat(), fc.nat(255), (prompt, at, byte) => {
        const body = p.encodePrompt(prompt);
        const mutated = body.with(at % body.length, byte);
        expect(
          codeOf(() => {
            expect(p.toHex(p.encodePrompt(p.decodePrompt(mutated)))).toBe(p.toHex(mutated));
          }),
        ).toMatch(/^(INPUT_INVALID|nothing thrown)$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test("of protocol 1, which was ABI-encoded, are refused", () => {
    const type =
      "tuple(string[] models,uint8 panelRule,uint8 panelQuorum,tuple(uint8 role,string content)[] messages," +
      "uint32 maxOutputTokens,tuple(int32 temperatureMilli,int32 topPMilli,int64 seed,uint8 effort) sampling," +
      "tuple(uint8 kind,string schema,string[] choices) format)";
    const body = AbiCoder.defaultAbiCoder().encode([type], [PROMPTS.text]) as p.Hex;
    expect(codeOf(() => p.decodePrompt(p.fromHex(body)))).toBe("INPUT_INVALID");
  });

  test.for([
    ["a panel's rule for one model", { afterModels: "0000" }],
    ["a flag that nobody knows", { flags: "10" }],
    ["an effort that is the default", { flags: "0800" }],
    ["an effort past the last", { flags: "0807" }],
    ["a temperature past 2", { flags: "0107d1" }],
    ["a temperature that says none", { flags: "01ffff" }],
    ["a seed of 2^63", { flags: "048000000000000000" }],
    ["a seed that says none", { flags: "04ffffffffffffffff" }],
    ["a format of kind 5", { format: "05" }],
    ["a text format with a schema", { format: "010000" }],
    ["a message whose length passes the end", { length: "ffffff" }],
    ["a message that is not UTF-8", { content: "ff" }],
    ["a message of an overlong encoding", { length: "000002", content: "c0af" }],
    ["a part of type 0", { parts: "00000000" }],
    ["a part of type 5", { parts: "05000000" }],
    ["a part whose length passes the end", { parts: `01000002${text("h")}` }],
    ["half a part", { parts: "0100" }],
    ["a page of no bytes", { parts: "01000000" }],
    ["a page that is too long", { parts: `01000801${text("h".repeat(2_049))}` }],
    ["an image without its hash", { parts: "0200000101" }],
    ["an image that is a PDF", { parts: `0200002204${"ab".repeat(32)}68` }],
    ["an image of no type", { parts: `0200002200${"ab".repeat(32)}68` }],
    ["a document that is a PNG", { parts: `0300002201${"ab".repeat(32)}68` }],
    ["a read that is no encoding of one", { parts: `04000020${"00".repeat(32)}` }],
    ["33 parts", { parts: `01000001${text("h")}`.repeat(33) }],
  ] as const)("with %s are refused", ([, change]) => {
    const body = spell(change);
    expect(codeOf(() => p.decodePrompt(spell({})))).toBe("nothing thrown");
    expect(codeOf(() => p.decodePrompt(body))).toBe("INPUT_INVALID");
  });

  test.for([
    ["trailing bytes", "00".repeat(32)],
    ["an address with dirty upper bytes", null],
  ] as const)("with a read of %s are refused", ([, trailing]) => {
    const read = readBody();
    const body = trailing === null ? read.with(0, 1) : p.concatBytes(read, p.fromHex(`0x${trailing}`));
    const length = body.length.toString(16).padStart(6, "0");
    const good = read.length.toString(16).padStart(6, "0");
    expect(codeOf(() => p.decodePrompt(spell({ parts: `04${good}${p.toHex(read).slice(2)}` })))).toBe(
      "nothing thrown",
    );
    expect(codeOf(() => p.decodePrompt(spell({ parts: `04${length}${p.toHex(body).slice(2)}` })))).toBe(
      "INPUT_INVALID",
    );
  });

  test.for([
    ["nothing", new Uint8Array()],
    ["zeros", new Uint8Array(p.MAX_PAYLOAD_BYTES)],
    ["more bytes than a payload has", new Uint8Array(p.MAX_PAYLOAD_BYTES + 32)],
  ] as const)("of %s are refused", ([, body]) => {
    expect(codeOf(() => p.decodePrompt(body))).toBe("INPUT_INVALID");
  });
});

/** A prompt written by hand, piece by piece. */
function spell(change: {
  readonly afterModels?: string;
  readonly flags?: string;
  readonly format?: string;
  readonly length?: string;
  readonly content?: string;
  readonly parts?: string;
}): Uint8Array<ArrayBuffer> {
  const {
    afterModels = "",
    flags = "00",
    format = "01",
    length = "000001",
    content = "68",
    parts = "",
  } = change;
  return p.fromHex(
    `0x0106${text("a/bcde")}${afterModels}000100${flags}${format}0102${length}${content}${parts}`,
  );
}

function readBody(): Uint8Array<ArrayBuffer> {
  const [part] = PROMPTS.parts.parts.filter(({ kind }) => kind === p.PartKind.read);
  return p.encodePart(part!).slice(4);
}

const base = { ...PROMPTS.text, sampling: p.PROVIDER_DEFAULT_SAMPLING };
const messages = (count: number): unknown => Array(count).fill({ role: 2, content: "" });
const choices = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);
const panel = (count: number, panelRule: number, panelQuorum: number): object => ({
  models: Array(count).fill("openai/gpt-5.1"),
  panelRule,
  panelQuorum,
});

test.for([
  ["64 messages", { messages: messages(64) }],
  ["a panel of 7 with quorum 7", panel(7, 3, 7)],
  ["64 choices", { format: { kind: 3, schema: "", choices: choices(64) } }],
  ["the largest seed", { sampling: { ...base.sampling, seed: 2n ** 63n - 1n } }],
  ["a model with slashes and a tag", { models: ["local/org/model:7b@q4_K"] }],
] as const)("takes %s", ([, change]) => {
  const body = pack({ ...base, ...change } as unknown as p.Prompt);
  expect(() => p.decodePrompt(body)).not.toThrow();
});

test.for([
  ["no model", { models: [] }],
  ["a model without its provider", { models: ["gpt-5.1"] }],
  ["a provider in capitals", { models: ["OpenAI/gpt-5.1"] }],
  ["a model with a space", { models: ["openai/gpt 5"] }],
  ["a model with a newline at its end", { models: ["openai/gpt-5.1\n"] }],
  ["a model's name of 129 characters", { models: [`openai/${"g".repeat(122)}`] }],
  ["a panel without a rule", panel(3, 0, 2)],
  ["a panel without a quorum", panel(3, 1, 0)],
  ["a panel whose quorum is past its size", panel(3, 1, 4)],
  ["an unknown panel rule", panel(3, 4, 2)],
  ["a panel of 8", panel(8, 1, 2)],
  ["no message", { messages: [] }],
  ["65 messages", { messages: messages(65) }],
  ["a message of no role", { messages: [{ role: 0, content: "" }] }],
  ["a message of role 4", { messages: [{ role: 4, content: "" }] }],
  ["a byte order mark", { messages: [{ role: 2, content: "\ufeffhello" }] }],
  ["no tokens to answer with", { maxOutputTokens: 0 }],
  ["more tokens than 24 bits say", { maxOutputTokens: 2 ** 24 }],
  ["a temperature of 2001", { sampling: { ...base.sampling, temperatureMilli: 2_001 } }],
  ["a top-p of 1001", { sampling: { ...base.sampling, topPMilli: 1_001 } }],
  ["an unknown effort", { sampling: { ...base.sampling, effort: 7 } }],
  ["a format of no kind", { format: { kind: 0, schema: "", choices: [] } }],
  ["a text format with a schema", { format: { kind: 1, schema: "x", choices: [] } }],
  ["a text format with choices", { format: { kind: 1, schema: "", choices: ["a"] } }],
  ["a JSON format whose schema is an array", { format: { kind: 2, schema: "[]", choices: [] } }],
  ["a JSON format whose schema is null", { format: { kind: 2, schema: "null", choices: [] } }],
  ["a JSON format whose schema is a number", { format: { kind: 2, schema: "1", choices: [] } }],
  ["a JSON format whose schema is not JSON", { format: { kind: 2, schema: "{", choices: [] } }],
  ["one choice", { format: { kind: 3, schema: "", choices: ["a"] } }],
  ["65 choices", { format: { kind: 3, schema: "", choices: choices(65) } }],
  ["two choices of one name", { format: { kind: 3, schema: "", choices: ["a", "a"] } }],
  ["a choice without a name", { format: { kind: 3, schema: "", choices: ["a", ""] } }],
  ["an output type that cannot be read", { format: { kind: 4, schema: "bool", choices: [] } }],
  ["an output type that is too long", { format: { kind: 4, schema: " ".repeat(2_049), choices: [] } }],
] as const)("refuses %s, encoding and decoding", ([, change]) => {
  const prompt = { ...base, ...change } as unknown as p.Prompt;
  expect(codeOf(() => p.decodePrompt(pack(prompt)))).toBe("INPUT_INVALID");
  expect(codeOf(() => p.encodePrompt(prompt))).toBe("INPUT_INVALID");
});

test.for([
  ["one model with a panel's rule", { panelRule: 1 }, "INPUT_INVALID"],
  ["one model with a quorum", { panelQuorum: 1 }, "INPUT_INVALID"],
  ["a temperature of -2", { sampling: { ...base.sampling, temperatureMilli: -2 } }, "INPUT_INVALID"],
  ["a seed of -2", { sampling: { ...base.sampling, seed: -2n } }, "INPUT_INVALID"],
  [
    "a message longer than a payload",
    { messages: [{ role: 2, content: "x".repeat(65_537) }] },
    "INPUT_TOO_LARGE",
  ],
  [
    "a schema of 65,536 bytes",
    { format: { kind: 2, schema: jsonOf(65_536), choices: [] } },
    "INPUT_TOO_LARGE",
  ],
] as const)("does not encode %s", ([, change, code]) => {
  expect(codeOf(() => p.encodePrompt({ ...base, ...change } as unknown as p.Prompt))).toBe(code);
});

function jsonOf(bytes: number): string {
  return `{"description":"${"x".repeat(bytes - 18)}"}`;
}

test("names the field that breaks a rule", () => {
  const prompt = { ...base, messages: [{ role: 9, content: "" }] } as unknown as p.Prompt;
  expect(() => p.encodePrompt(prompt)).toThrow(
    expect.objectContaining({ details: { field: "messages.0.role" } }),
  );
});

test("does not encode a lone surrogate, which UTF-8 cannot say", () => {
  const prompt = p.Prompt.safeParse({ ...base, messages: [{ role: 2, content: "\ud800" }] });
  expect(prompt.success).toBe(false);
});
