/** A provider's key on a whole network: the oracle brings it, and brings it again to an enclave that restarted. */

import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startProgram, type RunningProgram } from "../../devnet/child-process.ts";
import { readListening } from "../../devnet/model-choice.ts";
import { programArguments } from "../../devnet/node-program.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import type { OperatorFile } from "../../enclave/configuration/operator.ts";
import type { FixedProvider } from "../enclave/support/fixed-provider.ts";
import { until } from "../oracle/support/test-chain.ts";
import { startKeyedNetwork, type KeyedNetwork } from "./support/keyed-network.ts";

const KEY = "sk-of-the-operator-52817";

let keyed: KeyedNetwork;
let provider: FixedProvider;
let network: LocalNetwork;
let second: RunningProgram | undefined;

beforeAll(async () => {
  keyed = await startKeyedNetwork(KEY, "hello");
  ({ network, provider } = keyed);
}, 240_000);

afterAll(async () => {
  await second?.stop();
  await keyed.stop();
}, 60_000);

/** The authorization that the provider was shown by an off-chain caller's question; undefined where there was none. */
function askOffChain(): Promise<string | undefined> {
  provider.received.length = 0;
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${network.file.functionsCredential}`,
      "content-type": "application/json",
    };
    // Which enclave this is, is the oracle's to verify here.
    const url = new URL("/v1/chat/completions", network.file.enclaveUrl);
    const client = request(url, { method: "POST", headers, rejectUnauthorized: false }, (response) => {
      response.resume().on("end", () => {
        resolve(/"authorization":"([^"]*)"/.exec(provider.received.join())?.[1]);
      });
    });
    client.on("error", reject);
    client.end(JSON.stringify({ model: "custom/m", messages: [{ role: "user", content: "hi" }] }));
  });
}

test("the enclave asks with the key that the oracle brought", async () => {
  expect(await askOffChain()).toBe(`Bearer ${KEY}`);
});

test("after a restart it does so again, with nobody's help", { timeout: 120_000 }, async () => {
  const files = keyed.folder;
  const operator = JSON.parse(readFileSync(join(files, "operator.json"), "utf8")) as OperatorFile;
  const port = Number(new URL(network.file.enclaveUrl).port);
  const operatorFile = join(files, "operator-same-port.json");
  writeFileSync(operatorFile, JSON.stringify({ ...operator, listen: { ...operator.listen, port } }));
  await network.programs.enclave.stop();
  second = await startProgram({
    name: "enclave",
    command: process.execPath,
    args: [
      ...programArguments("enclave/main"),
      ...["--behaviour", join(files, "behaviour.json"), "--operator", operatorFile],
    ],
    environment: {},
    logFile: join(files, "enclave-2.log"),
    readReady: readListening,
  });
  expect(
    await until("the key", async () => {
      const shown = await askOffChain();
      return shown === undefined ? undefined : shown;
    }),
  ).toBe(`Bearer ${KEY}`);
});

test("the key is in the operator's own file, and nowhere else on the disk", () => {
  const files = keyed.filesOnDisk();
  const holding = files.filter((file) => readFileSync(file, "latin1").includes(KEY));
  expect(files.length).toBeGreaterThan(10);
  expect(holding).toEqual([join(keyed.folder, "custom-key.secret")]);
});
