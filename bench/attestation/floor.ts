/** What bounds any verifier here: signatures per CPU second of the same WebCrypto, key import included. */

export interface Floor {
  readonly p256PerCpuSecond: number;
  readonly p384PerCpuSecond: number;
}

const SIGNATURES = 1_500;

export async function measureFloor(): Promise<Floor> {
  return {
    p256PerCpuSecond: await measureCurve("P-256", "SHA-256"),
    p384PerCpuSecond: await measureCurve("P-384", "SHA-384"),
  };
}

async function measureCurve(namedCurve: string, hash: string): Promise<number> {
  const algorithm = { name: "ECDSA", namedCurve, hash };
  const data = new Uint8Array(1_000);
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const signature = await crypto.subtle.sign(algorithm, privateKey, data);
  const spki = await crypto.subtle.exportKey("spki", publicKey);
  const verify = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const key = await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
      await crypto.subtle.verify(algorithm, key, signature, data);
    }
  };
  await verify(SIGNATURES / 5);
  const before = process.cpuUsage();
  await verify(SIGNATURES);
  const { user, system } = process.cpuUsage(before);
  return (SIGNATURES * 1e6) / (user + system);
}
