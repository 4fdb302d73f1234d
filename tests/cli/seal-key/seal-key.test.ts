/** `adyton seal-key`: a key goes to an enclave that a policy accepts, and works there; to no other, and not at all. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { behaviourFile, operatorFile } from "../../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../../enclave/support/enclave-process.ts";
import { platformPolicy } from "../../oracle/support/stand-in-enclave.ts";
import { runAdyton } from "../../support/adyton-command.ts";

const KEY = "sk-of-my-own-55021";
const MODEL = "stand-in/stand-in-1";

let model: StandInModel;
let enclave: EnclaveProcess;
let folder: string;

beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
  folder = mkdtempSync(join(tmpdir(), "adyton-seal-key-"));
  writeFileSync(join(folder, "policy.json"), JSON.stringify(await platformPolicy("test")));
  writeFileSync(join(folder, "other-policy.json"), JSON.stringify(await platformPolicy("elsewhere")));
  writeFileSync(join(folder, "key"), `${KEY}\n`);
  writeFileSync(join(folder, "credential"), "a-credential-that-I-have\n");
});
afterAll(async () => {
  await enclave.stop();
  await model.stop();
  rmSync(folder, { recursive: true });
});

function seal(change: Readonly<Record<string, string>> = {}): ReturnType<typeof runAdyton> {
  const options = {
    "--policy": join(folder, "policy.json"),
    "--key-file": join(folder, "key"),
    "--model": MODEL,
    "--input-tokens": "1000",
    "--output-tokens": "100",
    ...change,
  };
  return runAdyton(["seal-key", enclave.url, ...Object.entries(options).flat()]);
}

interface Sealed {
  readonly keysetId: string;
  readonly credential: string | null;
  readonly providerKey: string;
}

function askWith(credential: string, providerKey: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL("/v1/chat/completions", enclave.url);
    const headers = { authorization: `Bearer ${credential}`, "adyton-provider-key": providerKey };
    const client = request(url, { method: "POST", headers, rejectUnauthorized: false }, (response) => {
      response.resume().on("end", () => {
        resolve(response.statusCode ?? 0);
      });
    });
    client.on("error", reject);
    const messages = [{ role: "user", content: "What is 1 + 1?" }];
    client.end(JSON.stringify({ model: MODEL, messages, max_tokens: 50 }));
  });
}

test("the sealed key and its credential are all that a caller needs", { timeout: 60_000 }, async () => {
  const { stdout, stderr, code } = await seal();
  expect(stderr).not.toContain("bug");
  expect(code).toBe(0);
  const { keysetId, credential, providerKey } = JSON.parse(stdout) as Sealed;
  expect(keysetId).toBe(enclave.keysetId);
  expect(stdout + stderr).not.toContain(KEY);
  expect(await askWith(credential ?? "", providerKey)).toBe(200);
  expect(await askWith("another", providerKey)).toBe(401);
});

test("a credential that the caller has is not printed", { timeout: 60_000 }, async () => {
  const { stdout } = await seal({ "--credential-file": join(folder, "credential") });
  const { credential, providerKey } = JSON.parse(stdout) as Sealed;
  expect(credential).toBeNull();
  expect(await askWith("a-credential-that-I-have", providerKey)).toBe(200);
});

test("nothing is sealed to an enclave that the policy refuses", { timeout: 60_000 }, async () => {
  const { stdout, stderr, code } = await seal({ "--policy": join(folder, "other-policy.json") });
  expect(stdout).toBe("");
  expect(stderr).toContain("APPRAISAL_PLATFORM_UNKNOWN");
  expect(code).not.toBe(0);
});

test.for<[string, Readonly<Record<string, string>>]>([
  ["for longer than a month", { "--days": "32" }],
  ["with a cap that is no number", { "--input-tokens": "many" }],
  ["with no cap", { "--output-tokens": "0" }],
  ["from a file that is not there", { "--key-file": "/nonexistent/key" }],
  ["by a policy that is no JSON", { "--policy": "/dev/null" }],
])("a key %s is refused as wrong usage", { timeout: 60_000 }, async ([, change]) => {
  const { stdout, code } = await seal(change);
  expect(stdout).toBe("");
  expect(code).toBe(64);
});
