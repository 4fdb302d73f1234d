/** A key that was brought is nothing that lives on in the enclave: the heap, garbage left out, does not hold it. */

import { randomBytes } from "node:crypto";
import { getHeapSnapshot } from "node:v8";
import { x25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { askOnAccount } from "../../../enclave/accounts/ask-on-account.ts";
import { createOwnAccount } from "../../../enclave/accounts/own-keys.ts";
import { SpendingLedger } from "../../../enclave/accounts/spending-ledger.ts";
import { ExchangeRecorder } from "../../../enclave/answers/transcript-recorder.ts";
import type { ModelQuestion } from "../../../runtime/models/model-format.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { openProviderKey, sealProviderKey } from "../../../protocol/provider-key.ts";
import { fakeModels, says } from "../support/fake-models.ts";

const NOW = 1_800_000_000;
const KEYSET: Hex = `0x${"01".repeat(32)}`;
const enclave = x25519.keygen();

/** Made while the test runs, so that no source text holds it. */
async function sealedKey(): Promise<string> {
  return await sealProviderKey(
    { keysetId: KEYSET, sealingKey: toHex(enclave.publicKey) },
    {
      models: ["fake/one"],
      key: `sk-heap-${randomBytes(16).toString("hex")}`,
      owner: { credentialSha256: KEYSET },
      cap: { inputTokens: 10_000, outputTokens: 10_000 },
      expiresAt: NOW + 60,
    },
  );
}

const QUESTION: ModelQuestion = {
  model: "one",
  messages: [{ role: "user", content: "hi" }],
  maxOutputTokens: 16,
  thinkingTokens: 0,
  asksToThink: false,
  temperature: null,
  topP: null,
  seed: null,
  effort: null,
  schema: null,
  tools: [],
  toolChoice: "auto",
  stream: false,
};

async function countKeysOnHeap(): Promise<number> {
  let rest = "";
  let count = 0;
  for await (const part of getHeapSnapshot() as AsyncIterable<Buffer>) {
    const text = rest + part.toString("latin1");
    count += text.match(/sk-heap-[0-9a-f]{32}/g)?.length ?? 0;
    // Shorter than a key: none is counted twice, none is cut.
    rest = text.slice(-39);
  }
  return count;
}

test(
  "a key that was used is not on the heap any more, while its spending is",
  { timeout: 300_000 },
  async () => {
    const ledger = new SpendingLedger();
    const shown: boolean[] = [];
    const catalog = fakeModels({
      one: ({ headers }) => {
        shown.push(/^Bearer sk-heap-[0-9a-f]{32}$/.test(headers["authorization"] ?? ""));
        return says("hello");
      },
    });
    const use = async (sealed: string): Promise<void> => {
      const target = catalog.get("fake/one");
      if (target === undefined) throw new Error("no model");
      const key = await openProviderKey({ keysetId: KEYSET, privateKey: enclave.secretKey }, sealed);
      const account = createOwnAccount({ keys: [key], ledger, now: NOW, otherwise: null });
      await askOnAccount(account.charge(target, QUESTION), target, QUESTION, {
        recorder: new ExchangeRecorder(),
        retries: 0,
        pause: () => Promise.resolve(),
      });
    };
    for (let count = 0; count < 3; count += 1) await use(await sealedKey());
    expect(shown).toEqual([true, true, true]);
    expect(ledger.size).toBe(3);
    // The last of regular expressions' own memory.
    /x/.exec("x");
    expect(await countKeysOnHeap()).toBe(0);
  },
);

test("the search finds a key that is kept", { timeout: 300_000 }, async () => {
  // Read from JSON as the enclave reads it: a snapshot does not show the text of strings that were put together.
  const kept = JSON.parse(`{"key":"sk-heap-${randomBytes(16).toString("hex")}"}`) as { key: string };
  expect(await countKeysOnHeap()).toBeGreaterThan(0);
  expect(kept.key).toHaveLength(40);
});
