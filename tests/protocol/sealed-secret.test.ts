import { x25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { openSecret, SealedSecret, SecretName, sealSecret } from "../../protocol/sealed-secret.ts";

const KEYSET: Hex = `0x${"01".repeat(32)}`;
const enclave = x25519.keygen();
const target = { keysetId: KEYSET, sealingKey: toHex(enclave.publicKey) };
const own = { keysetId: KEYSET, privateKey: enclave.secretKey };

test("a secret opens for the keyset that it was sealed to, under its name", async () => {
  const sealed = await sealSecret(target, "openai", "sk-123");
  expect(SealedSecret.parse(JSON.parse(JSON.stringify(sealed)))).toEqual(sealed);
  expect(await openSecret(own, "openai", sealed)).toBe("sk-123");
});

test("two sealings of one secret are not alike: who watches cannot tell that it came again", async () => {
  const [one, other] = [await sealSecret(target, "a", "same"), await sealSecret(target, "a", "same")];
  expect(one.ciphertext).not.toBe(other.ciphertext);
});

test.for<[string, typeof own, string]>([
  ["another keyset", { ...own, keysetId: `0x${"02".repeat(32)}` }, "openai"],
  ["another key", { ...own, privateKey: x25519.keygen().secretKey }, "openai"],
  ["another name", own, "anthropic"],
])("does not open for %s", async ([, opener, name]) => {
  const sealed = await sealSecret(target, "openai", "sk-123");
  await expect(openSecret(opener, name, sealed)).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test("keyset and name cannot run into each other", async () => {
  // `keysetId ‖ name`: the id has a fixed length.
  const sealed = await sealSecret(target, "ab", "sk-123");
  await expect(openSecret(own, "a", sealed)).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test("a changed bit does not open", async () => {
  const sealed = await sealSecret(target, "openai", "sk-123");
  const flip = (hex: Hex): Hex => `0x${hex.slice(2, -1)}${hex.endsWith("0") ? "1" : "0"}`;
  for (const changed of [
    { ...sealed, ciphertext: flip(sealed.ciphertext) },
    { ...sealed, encapsulatedKey: flip(sealed.encapsulatedKey) },
  ])
    await expect(openSecret(own, "openai", changed)).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test("what is longer than any key is not decrypted at all", async () => {
  const sealed = await sealSecret(target, "openai", "x".repeat(8_200));
  await expect(openSecret(own, "openai", sealed)).rejects.toMatchObject({ code: "INPUT_TOO_LARGE" });
});

test.for(["", "a/b", "..%2f", "a b", "x".repeat(65), "naïve"])("%j is no secret's name", (name) => {
  expect(SecretName.safeParse(name).success).toBe(false);
});
