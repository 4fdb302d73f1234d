import { x25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { hpkeSeal } from "../../protocol/hpke.ts";
import { decodeKeyedPayload, encodeKeyedPayload } from "../../protocol/keyed-payload.ts";
import {
  decodeProviderKeys,
  encodeProviderKeys,
  openProviderKey,
  sealProviderKey,
  type ProviderKey,
} from "../../protocol/provider-key.ts";

const KEYSET: Hex = `0x${"01".repeat(32)}`;
const enclave = x25519.keygen();
const target = { keysetId: KEYSET, sealingKey: toHex(enclave.publicKey) };
const own = { keysetId: KEYSET, privateKey: enclave.secretKey };
const KEY: ProviderKey = {
  models: ["openai/gpt", "openai/gpt-mini"],
  key: "sk-of-my-own",
  owner: { credentialSha256: `0x${"cc".repeat(32)}` },
  cap: { inputTokens: 1_000, outputTokens: 500 },
  expiresAt: 1_800_000_000,
};

test("a key opens for the keyset that it was sealed to, as it was", async () => {
  expect(await openProviderKey(own, await sealProviderKey(target, KEY))).toEqual(KEY);
});

test("a sealed key fits a header and shows nothing", async () => {
  const sealed = await sealProviderKey(target, KEY);
  expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(Buffer.from(sealed, "base64url").toString("latin1")).not.toContain("sk-");
  expect(await sealProviderKey(target, KEY)).not.toBe(sealed);
});

test.for<[string, typeof own]>([
  ["another keyset", { ...own, keysetId: `0x${"02".repeat(32)}` }],
  ["another key", { ...own, privateKey: x25519.keygen().secretKey }],
])("it does not open for %s", async ([, opener]) => {
  const opening = openProviderKey(opener, await sealProviderKey(target, KEY));
  await expect(opening).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test.for<[string, (sealed: string) => string, string]>([
  [
    "with a changed character",
    (sealed) => `${sealed.startsWith("A") ? "B" : "A"}${sealed.slice(1)}`,
    "INPUT_INVALID",
  ],
  ["cut short", (sealed) => sealed.slice(0, -4), "INPUT_INVALID"],
  ["that is not base64url", (sealed) => `${sealed}=`, "INPUT_INVALID"],
  ["of nothing", () => "", "INPUT_INVALID"],
  ["longer than any", (sealed) => sealed.padEnd(13_000, "A"), "INPUT_TOO_LARGE"],
])("one %s is refused", async ([, change, code]) => {
  const changed = change(await sealProviderKey(target, KEY));
  await expect(openProviderKey(own, changed)).rejects.toMatchObject({ code });
});

test("one with a stray bit in its last character is refused: a sealed key has one spelling", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Of three lengths in a row, two end in a character of which some bits stand for nothing.
  const sealed = await Promise.all(["k", "ke", "key"].map((key) => sealProviderKey(target, { ...KEY, key })));
  const loose = sealed.filter((text) => text.length % 4 !== 0);
  expect(loose).toHaveLength(2);
  for (const text of loose) {
    expect(await openProviderKey(own, text)).toMatchObject({ owner: KEY.owner });
    const stray = `${text.slice(0, -1)}${alphabet[alphabet.indexOf(text.slice(-1)) + 1] ?? ""}`;
    await expect(openProviderKey(own, stray)).rejects.toMatchObject({ code: "INPUT_INVALID" });
  }
});

test.for<[string, object]>([
  ["models of two providers", { models: ["openai/gpt", "anthropic/claude"] }],
  ["no model", { models: [] }],
  ["a key with a line break", { key: "sk-1\r\nx: y" }],
  ["no key", { key: "" }],
  ["both kinds of owner", { owner: { credentialSha256: KEYSET, payer: `0x${"aa".repeat(20)}` } }],
  ["no owner", { owner: {} }],
  ["no cap", { cap: undefined }],
  ["a cap that is not whole", { cap: { inputTokens: 0.5, outputTokens: 1 } }],
  ["a negative cap", { cap: { inputTokens: -1, outputTokens: 1 } }],
  ["something more", { unlimited: true }],
])("%s cannot be sealed, nor opened when somebody seals it all the same", async ([, change]) => {
  const changed = { ...KEY, ...change };
  await expect(sealProviderKey(target, changed)).rejects.toMatchObject({ code: "INPUT_INVALID" });
  const terms = { info: toUtf8("adyton provider key v1"), aad: Buffer.from(KEYSET.slice(2), "hex") };
  const sealed = await hpkeSeal(target.sealingKey, toUtf8(JSON.stringify([changed])), terms);
  const opening = openProviderKey(own, Buffer.from(sealed).toString("base64url"));
  await expect(opening).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test("what is wrong with a key is said without repeating it, cause included", () => {
  for (const text of [
    `[{"key":"sk-secret"}]`,
    `[{"key":"sk-secret`,
    `{"sk-secret":1}`,
    JSON.stringify([{ ...KEY, key: "sk-secret with a space" }]),
    JSON.stringify([{ ...KEY, "sk-secret": 1 }]),
  ]) {
    let error: unknown;
    try {
      decodeProviderKeys(toUtf8(text));
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: "INPUT_INVALID" });
    const said = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(said).not.toContain("sk-secret");
    expect((error as Error).cause).toBeUndefined();
  }
});

test("the bytes that held a key are wiped when they were read, and when they could not be", () => {
  const good = encodeProviderKeys([KEY]);
  decodeProviderKeys(good);
  const bad = toUtf8("[sk-secret");
  expect(() => decodeProviderKeys(bad)).toThrow();
  for (const bytes of [good, bad]) expect(bytes.every((byte) => byte === 0)).toBe(true);
});

test("a question with keys is itself again, and takes no more than a panel's keys", () => {
  const payload = toUtf8("a whole payload");
  const owner = { payer: `0x${"aa".repeat(20)}` } as const;
  const keys = [{ ...KEY, owner }];
  expect(decodeKeyedPayload(encodeKeyedPayload({ keys, payload }))).toEqual({ keys, payload });
  const many = encodeKeyedPayload({ keys: Array.from({ length: 8 }, () => ({ ...KEY, owner })), payload });
  expect(() => decodeKeyedPayload(many)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
});

test.for<[string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array]>([
  ["of another type", (bytes) => bytes.with(0, 1)],
  ["of another version", (bytes) => bytes.with(1, 2)],
  ["cut short", (bytes) => bytes.slice(0, -32)],
  ["with a word more", (bytes) => Uint8Array.from([...bytes, ...new Uint8Array(32)])],
  ["of nothing", () => Uint8Array.of(5, 1)],
])("a question with keys %s is refused", ([, change]) => {
  const bytes = encodeKeyedPayload({ keys: [KEY], payload: toUtf8("x") });
  expect(() => decodeKeyedPayload(change(bytes))).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
});
