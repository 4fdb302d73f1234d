/** Prompts that contracts and enclaves write alike. */

import type * as z from "zod";
import * as p from "../../protocol/index.ts";
import { account, word } from "./vector-words.ts";

export const PROMPTS = {
  text: {
    models: ["openai/gpt-5.1"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Which temple was the oracle's?" }],
    maxOutputTokens: 256,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.text, schema: "", choices: [] },
    parts: [],
  },
  json: {
    models: ["openai/gpt-5.1"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Name the oracle's temple." }],
    maxOutputTokens: 64,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.json, schema: '{"type":"object"}', choices: [] },
    parts: [],
  },
  choice: {
    models: ["anthropic/claude-opus-5"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Allow it?" }],
    maxOutputTokens: 16,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.choice, schema: "", choices: ["allow", "review", "block"] },
    parts: [],
  },
  moderation: {
    models: ["openai/gpt-5.1", "anthropic/claude-opus-5", "google/gemini-3-pro"],
    panelRule: p.PanelRule.majority,
    panelQuorum: 2,
    messages: [
      { role: p.Role.system, content: "You moderate a forum." },
      { role: p.Role.user, content: 'Über "quotes" and 日本語\n' },
    ],
    maxOutputTokens: 300,
    sampling: { temperatureMilli: 0, topPMilli: 950, seed: 7n, effort: p.Effort.low },
    format: {
      kind: p.OutputKind.abi,
      schema: '(bool flagged, uint8 severity 0..10 "0 harmless, 10 dangerous", string<=200 reason)',
      choices: [],
    },
    parts: [],
  },
  parts: {
    models: ["anthropic/claude-opus-5"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Is the invoice paid, and is the photo of the goods?" }],
    maxOutputTokens: 2 ** 24 - 1,
    sampling: { temperatureMilli: 2_000, topPMilli: 0, seed: 2n ** 63n - 1n, effort: p.Effort.max },
    format: { kind: p.OutputKind.abi, schema: "(bool paid, ufixed64x2 share 0..1)", choices: [] },
    parts: [
      { kind: p.PartKind.page, url: "https://example.org/orders/17" },
      { kind: p.PartKind.image, mime: p.Mime.webp, hash: word("image"), uri: "ipfs://bafy/photo.webp" },
      {
        kind: p.PartKind.document,
        mime: p.Mime.pdf,
        hash: word("document"),
        uri: "https://example.org/17.pdf",
      },
      {
        kind: p.PartKind.read,
        target: account("token"),
        signature: "balanceOf(address) returns (uint256)",
        arguments: p.toHex(p.addressWord(account("buyer"))),
        label: "the buyer's balance",
      },
    ],
  },
} as const satisfies Record<string, z.input<typeof p.Prompt>>;

export function encodePrompt(name: keyof typeof PROMPTS): Uint8Array<ArrayBuffer> {
  return p.encodePayload({ type: p.PayloadType.inference, prompt: p.Prompt.parse(PROMPTS[name]) });
}

export function promptVectors(): unknown {
  return {
    cases: Object.entries(PROMPTS).map(([name, prompt]) => {
      const payload = encodePrompt(name as keyof typeof PROMPTS);
      return {
        name,
        prompt: {
          ...prompt,
          sampling: { ...prompt.sampling, seed: prompt.sampling.seed.toString() },
          parts: prompt.parts.map(toSolidityPart),
        },
        payload: p.toHex(payload),
        payloadHash: p.payloadHash(payload),
      };
    }),
  };
}

/** `Part` of the contracts: a type, and the body behind its length. */
function toSolidityPart(part: p.PromptPart): { readonly kind: number; readonly body: p.Hex } {
  return { kind: part.kind, body: p.toHex(p.encodePart(part).subarray(4)) };
}
