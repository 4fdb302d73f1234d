import { x25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { concatBytes, fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import {
  isSealedPayload,
  NO_REPLY_KEY,
  openPayload,
  openReply,
  SEALED_OUTPUT_OVERHEAD,
  sealedRecipients,
  sealPayload,
  sealReply,
  type SealedContext,
} from "../../protocol/sealed-payload.ts";

const keysetId = (byte: string): Hex => `0x${byte.repeat(32)}`;
const context: SealedContext = {
  chainId: 31_337n,
  coordinator: `0x${"c0".repeat(20)}`,
  consumer: `0x${"aa".repeat(20)}`,
  policyId: keysetId("11"),
};
const first = x25519.keygen();
const second = x25519.keygen();
const asker = x25519.keygen();
const INNER = toUtf8("a whole payload of type 1");
const REQUEST = keysetId("77");

async function seal(change: { readonly replyKey?: Hex } = {}): Promise<Uint8Array<ArrayBuffer>> {
  return await sealPayload(INNER, {
    recipients: [
      { keysetId: keysetId("01"), sealingKey: toHex(first.publicKey) },
      { keysetId: keysetId("02"), sealingKey: toHex(second.publicKey) },
    ],
    context,
    replyKey: toHex(asker.publicKey),
    ...change,
  });
}

test("each listed keyset opens a sealed question, and learns whom to seal the answer to", async () => {
  const payload = await seal();
  for (const [id, { secretKey }] of [
    ["01", first],
    ["02", second],
  ] as const) {
    const opened = await openPayload(payload, context, { keysetId: keysetId(id), privateKey: secretKey });
    expect(opened).toEqual({ inner: INNER, replyKey: toHex(asker.publicKey) });
  }
});

test("everybody can read for whom it is, and nothing else", async () => {
  const payload = await seal();
  expect(isSealedPayload(payload)).toBe(true);
  expect(sealedRecipients(payload)).toEqual([keysetId("01"), keysetId("02")]);
  expect(toHex(payload)).not.toContain(toHex(toUtf8("payload")).slice(2));
});

test("two sealings of one question share no ciphertext", async () => {
  const tail = async (): Promise<string> => toHex((await seal()).subarray(-64));
  expect(await tail()).not.toBe(await tail());
});

test.for<[string, Partial<SealedContext>]>([
  ["another chain", { chainId: 1n }],
  ["another coordinator", { coordinator: context.consumer }],
  ["another consumer", { consumer: context.coordinator }],
  ["another policy", { policyId: keysetId("12") }],
])("does not open for %s", async ([, change]) => {
  const own = { keysetId: keysetId("01"), privateKey: first.secretKey };
  const opened = openPayload(await seal(), { ...context, ...change }, own);
  await expect(opened).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test.for<[string, Hex, Uint8Array]>([
  ["a keyset that is not listed", keysetId("03"), first.secretKey],
  ["another keyset's key", keysetId("01"), second.secretKey],
])("does not open for %s", async ([, id, privateKey]) => {
  const opened = openPayload(await seal(), context, { keysetId: id, privateKey });
  await expect(opened).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test.for<[string, Hex]>([
  ["somebody else's key", toHex(second.publicKey)],
  ["no key, so that the answer would come in clear", NO_REPLY_KEY],
])("asked again with %s to reply to, it does not open", async ([, replyKey]) => {
  const own = { keysetId: keysetId("01"), privateKey: first.secretKey };
  const payload = toHex(await seal());
  const changed = fromHex(payload.replace(toHex(asker.publicKey).slice(2), replyKey.slice(2)));
  expect(toHex(changed)).not.toBe(payload);
  await expect(openPayload(changed, context, own)).rejects.toMatchObject({ code: "INPUT_INVALID" });
});

test("no bit of it can be turned: it does not open, or opens to something else than the whole", async () => {
  const payload = await seal();
  const own = { keysetId: keysetId("01"), privateKey: first.secretKey };
  // What opens all the same was changed in the words of the other recipient.
  for (let index = 0; index < payload.length; index += 7) {
    const changed = payload.slice();
    changed[index] = (changed[index] ?? 0) ^ 1;
    const opened = await openPayload(changed, context, own).catch((error: unknown) => error);
    if (opened instanceof Error) expect(opened).toMatchObject({ code: "INPUT_INVALID" });
    else expect(opened).toEqual({ inner: INNER, replyKey: toHex(asker.publicKey) });
  }
});

test.for<[string, (payload: Uint8Array<ArrayBuffer>) => Uint8Array]>([
  ["nothing", () => new Uint8Array()],
  ["another type", (payload) => concatBytes(Uint8Array.of(1), payload.slice(1))],
  ["another version", (payload) => concatBytes(Uint8Array.of(4, 2), payload.slice(2))],
  ["half of it", (payload) => payload.slice(0, payload.length / 2)],
  ["a word more", (payload) => concatBytes(payload, new Uint8Array(32))],
  ["more than a payload holds", (payload) => concatBytes(payload, new Uint8Array(65_536))],
  ["a header alone", () => Uint8Array.of(4, 1)],
])("names no recipient of %s", async ([, change]) => {
  const payload = change(await seal());
  expect(() => sealedRecipients(payload)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
});

test("takes 64 recipients and refuses 65", async () => {
  const sealTo = async (count: number): Promise<Uint8Array> =>
    await sealPayload(INNER, {
      recipients: Array.from({ length: count }, () => ({
        keysetId: keysetId("01"),
        sealingKey: toHex(first.publicKey),
      })),
      context,
      replyKey: NO_REPLY_KEY,
    });
  expect(sealedRecipients(await sealTo(64))).toHaveLength(64);
  const more = await sealTo(65);
  expect(() => sealedRecipients(more)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
});

test("a reply is its asker's, for its request, and as much longer as is said", async () => {
  const answer = toUtf8("42");
  const sealed = await sealReply(toHex(asker.publicKey), REQUEST, answer);
  expect(sealed).toHaveLength(answer.length + SEALED_OUTPUT_OVERHEAD);
  expect(await openReply(asker.secretKey, REQUEST, sealed)).toEqual(answer);
  for (const [key, id, bytes] of [
    [first.secretKey, REQUEST, sealed],
    [asker.secretKey, keysetId("78"), sealed],
    [asker.secretKey, REQUEST, sealed.slice(0, -1)],
    [asker.secretKey, REQUEST, fromHex("0x")],
  ] as const)
    await expect(openReply(key, id, bytes)).rejects.toMatchObject({ code: "INPUT_INVALID" });
});
