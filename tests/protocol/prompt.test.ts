import { AbiCoder } from "ethers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";
import { PROMPTS } from "../support/protocol-vectors.ts";

const PROMPT_TYPE =
  "tuple(string[] models,uint8 panelRule,uint8 panelQuorum,tuple(uint8 role,string content)[] messages," +
  "uint32 maxOutputTokens,tuple(int32 temperatureMilli,int32 topPMilli,int64 seed,uint8 effort) sampling," +
  "tuple(uint8 kind,string schema,string[] choices) format)";

const encodeByEthers = (prompt: unknown): p.Hex =>
  AbiCoder.defaultAbiCoder().encode([PROMPT_TYPE], [prompt]) as p.Hex;

test("the body is ethers' abi.encode of the struct, and decodes to the same prompt", () => {
  fc.assert(
    fc.property(arbitrary.prompt, (prompt) => {
      const body = p.encodePrompt(prompt);
      expect(p.toHex(body)).toBe(encodeByEthers(prompt));
      expect(p.decodePrompt(body)).toEqual(prompt);
    }),
  );
});

describe("bodies that are not a prompt", () => {
  test("truncated anywhere, or extended, are refused", () => {
    fc.assert(
      fc.property(
        arbitrary.prompt,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        (prompt, at, more) => {
          const body = p.encodePrompt(prompt);
          expect(codeOf(() => p.decodePrompt(body.subarray(0, at % body.length)))).toBe("INPUT_INVALID");
          expect(codeOf(() => p.decodePrompt(p.concatBytes(body, more)))).toBe("INPUT_INVALID");
        },
      ),
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

  test("of random bytes and words are refused", () => {
    const words = fc.array(
      fc.oneof(
        fc.nat(320).map((n) => n * 32),
        fc.nat(8),
        fc.nat(2 ** 31 - 1),
      ),
      { maxLength: 60 },
    );
    const body = words.map((each) =>
      p.fromHex(`0x${each.map((n) => n.toString(16).padStart(64, "0")).join("")}`),
    );
    fc.assert(
      fc.property(fc.oneof(body, fc.uint8Array({ maxLength: 500 })), (bytes) => {
        expect(codeOf(() => p.decodePrompt(bytes))).toBe("INPUT_INVALID");
      }),
      { numRuns: 500 },
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
  const body = p.fromHex(encodeByEthers({ ...base, ...change }));
  expect(() => p.decodePrompt(body)).not.toThrow();
});

test.for([
  ["no model", { models: [] }],
  ["a model without its provider", { models: ["gpt-5.1"] }],
  ["a provider in capitals", { models: ["OpenAI/gpt-5.1"] }],
  ["a model with a space", { models: ["openai/gpt 5"] }],
  ["a model with a newline at its end", { models: ["openai/gpt-5.1\n"] }],
  ["a model's name of 129 characters", { models: [`openai/${"g".repeat(122)}`] }],
  ["one model with a panel's rule", { panelRule: 1 }],
  ["one model with a quorum", { panelQuorum: 1 }],
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
  ["a temperature of -2", { sampling: { ...base.sampling, temperatureMilli: -2 } }],
  ["a temperature of 2001", { sampling: { ...base.sampling, temperatureMilli: 2_001 } }],
  ["a top-p of 1001", { sampling: { ...base.sampling, topPMilli: 1_001 } }],
  ["a seed of -2", { sampling: { ...base.sampling, seed: -2n } }],
  ["an unknown effort", { sampling: { ...base.sampling, effort: 5 } }],
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
  const prompt = { ...base, ...change };
  expect(codeOf(() => p.decodePrompt(p.fromHex(encodeByEthers(prompt))))).toBe("INPUT_INVALID");
  expect(codeOf(() => p.encodePrompt(prompt as unknown as p.Prompt))).toBe("INPUT_INVALID");
});

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
