/**
 * What bounds any verifier on the same WebCrypto: the signatures of one quote whose leaf and keys are new, and nothing
 * else. No parsing, no policy, no result.
 */

/** Signatures under an issuer's key that was imported long ago, and under keys that come with the evidence. */
export interface FreshSignatures {
  readonly curve: "P-256" | "P-384";
  readonly underKnownKey: number;
  readonly underNewKey: number;
  /** RSA-PSS of 2048 bits, as the tests' AMD signs certificates. */
  readonly rsaUnderKnownKey?: number;
}

const HASH = { "P-256": "SHA-256", "P-384": "SHA-384" } as const;
const SETS = 300;

/** How often per CPU second these signatures can be verified, started together as the verifiers start them. */
export async function measureSignaturesAlone({
  curve,
  underKnownKey,
  underNewKey,
  rsaUnderKnownKey = 0,
}: FreshSignatures): Promise<number> {
  const algorithm = { name: "ECDSA", namedCurve: curve, hash: HASH[curve] };
  const data = new Uint8Array(632);
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const signature = await crypto.subtle.sign(algorithm, privateKey, data);
  const spki = await crypto.subtle.exportKey("spki", publicKey);
  const underKnown = async (): Promise<unknown> =>
    await crypto.subtle.verify(algorithm, publicKey, signature, data);
  const underNew = async (): Promise<unknown> => {
    const key = await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
    return await crypto.subtle.verify(algorithm, key, signature, data);
  };
  const underRsa = rsaUnderKnownKey === 0 ? null : await createRsaCheck(data);
  const set = [
    ...(underRsa === null ? [] : Array.from({ length: rsaUnderKnownKey }, () => underRsa)),
    ...Array.from({ length: underKnownKey }, () => underKnown),
    ...Array.from({ length: underNewKey }, () => underNew),
  ];
  const verify = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await Promise.all(set.map((signatureOf) => signatureOf()));
  };
  await verify(SETS / 3);
  const before = process.cpuUsage();
  await verify(SETS);
  const { user, system } = process.cpuUsage(before);
  return (SETS * 1e6) / (user + system);
}

async function createRsaCheck(data: Uint8Array<ArrayBuffer>): Promise<() => Promise<unknown>> {
  const algorithm = { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 };
  const generated = { ...algorithm, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
  const { publicKey, privateKey } = await crypto.subtle.generateKey(generated, true, ["sign", "verify"]);
  const signature = await crypto.subtle.sign(algorithm, privateKey, data);
  return async () => await crypto.subtle.verify(algorithm, publicKey, signature, data);
}
