/** Provider keys reach the enclave sealed to its keyset, and leave it only towards the provider they are for. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttestationReply } from "../../../protocol/enclave-api.ts";
import type { Keyset } from "../../../protocol/keyset.ts";
import { openSecret, sealSecret } from "../../../protocol/sealed-secret.ts";
import { answerCall, toWire } from "../support/calls.ts";
import { behaviourFile, modelFile, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";
import { startFixedProvider, type FixedProvider } from "../support/fixed-provider.ts";

const SECRET = "sk-brought-by-the-operator";
const PROVISIONER = "provisioner";

let provider: FixedProvider;
let enclave: EnclaveProcess;
let keyset: Keyset;

beforeAll(async () => {
  provider = await startFixedProvider('{"flagged":true,"severity":"3","reason":"x"}');
  const behaviour = behaviourFile(provider);
  behaviour.time = { source: "host-clock-for-testing" };
  const [standIn] = Object.values(behaviour.providers);
  const models = { model: modelFile("model") };
  behaviour.providers = {
    first: { ...standIn!, secret: "first-key", models },
    second: { ...standIn!, secret: "second-key", models },
  };
  const operator = operatorFile();
  const credentialSha256 = `0x${createHash("sha256").update(PROVISIONER).digest("hex")}` as const;
  operator.callers.named.push({
    ...operator.callers.named[0]!,
    name: "operator",
    credentialSha256,
    provisions: true,
  });
  enclave = await startEnclaveProcess({ behaviour, operator });
  const reply = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`, undefined, null);
  keyset = z.decode(AttestationReply, reply.json as z.input<typeof AttestationReply>).keyset;
});
afterAll(async () => {
  await enclave.stop();
  await provider.stop();
});

const target = () => ({ keysetId: enclave.keysetId as `0x${string}`, sealingKey: keyset.sealingKey });
const put = async (name: string, body: unknown, credential = PROVISIONER) =>
  await enclave.call("PUT", `/v1/secrets/${name}`, JSON.stringify(body), `Bearer ${credential}`);

describe("a secret", () => {
  test("sealed to the keyset is used for its provider, and for no other", async () => {
    expect((await put("first-key", await sealSecret(target(), "first-key", SECRET))).status).toBe(204);
    const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
    const ask = async (model: string) => {
      provider.received.length = 0;
      await enclave.call("POST", "/v1/answers", toWire(answerCall({ models: [model] }, { deadline })));
      return provider.received.join();
    };
    expect(await ask("first/model")).toContain(`Bearer ${SECRET}`);
    expect(await ask("second/model")).not.toContain(SECRET);
  });

  test("is in no answer, no metric, no file of the enclave's, and not in its output", async () => {
    const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
    const answer = await enclave.call(
      "POST",
      "/v1/answers",
      toWire(answerCall({ models: ["first/model"] }, { deadline })),
    );
    const metrics = await enclave.call("GET", "/metrics");
    const files = readdirSync(enclave.directory).map((name) =>
      readFileSync(join(enclave.directory, name), "latin1"),
    );
    for (const text of [answer.text, metrics.text, enclave.stderr(), ...files]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(Buffer.from(SECRET).toString("hex"));
    }
    expect(metrics.text).toContain('adyton_enclave_calls_total{route="answers",status="200"}');
  });

  test.for<[string, () => Promise<unknown>, string, number]>([
    [
      "to another keyset",
      () => sealSecret({ ...target(), keysetId: `0x${"12".repeat(32)}` }, "first-key", SECRET),
      "first-key",
      400,
    ],
    ["under another name", () => sealSecret(target(), "second-key", SECRET), "first-key", 400],
    ["for no provider", () => sealSecret(target(), "third-key", SECRET), "third-key", 404],
    ["with a line break in it", () => sealSecret(target(), "first-key", "a\r\nx: y"), "first-key", 400],
  ])("sealed %s is refused", async ([, seal, name, status]) => {
    expect(await put(name, await seal())).toMatchObject({ status });
  });

  test("with any bit of it changed is refused", async () => {
    const sealed = await sealSecret(target(), "first-key", SECRET);
    const flip = (hex: string): string =>
      `${hex.slice(0, -1)}${(Number.parseInt(hex.slice(-1), 16) ^ 1).toString(16)}`;
    for (const member of ["encapsulatedKey", "ciphertext"] as const) {
      expect(await put("first-key", { ...sealed, [member]: flip(sealed[member]) })).toMatchObject({
        status: 400,
      });
    }
  });

  test("is taken from nobody but who may provision", async () => {
    const sealed = await sealSecret(target(), "first-key", SECRET);
    expect(await put("first-key", sealed, "caller-credential")).toMatchObject({ status: 401 });
  });

  test("opens for no other key", async () => {
    const sealed = await sealSecret(target(), "first-key", SECRET);
    const opening = openSecret(
      { keysetId: target().keysetId, privateKey: new Uint8Array(32).fill(9) },
      "first-key",
      sealed,
    );
    await expect(opening).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });
});
