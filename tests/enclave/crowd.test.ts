/**
 * Without a credential nobody shuts anybody out: not by holding connections, and not by asking for evidence without end. How long
 * the others wait meanwhile, `npm run bench:crowd` measures.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStandInModel, type StandInModel } from "../../devnet/stand-in-model.ts";
import { answerCall, toWire } from "./support/calls.ts";
import { behaviourFile, operatorFile } from "./support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "./support/enclave-process.ts";

const SILENT = 2_048;
const LOOPS = 24;
const CALLS = 20;

let model: StandInModel;
let enclave: EnclaveProcess;
beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
});
afterAll(async () => {
  await enclave.stop();
  await model.stop();
});

test(`${SILENT} silent connections and ${LOOPS} loops from its own address leave another caller every answer`, async () => {
  const crowd = spawn(process.execPath, [
    join(import.meta.dirname, "../../bench/enclave/crowd.ts"),
    enclave.url,
    String(SILENT),
    String(LOOPS),
  ]);
  await once(crowd.stdout, "data");
  const soon = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
  for (let count = 0; count < CALLS; count += 1) {
    const call = toWire(answerCall({}, { deadline: soon }));
    expect(await enclave.call("POST", "/v1/answers", call)).toMatchObject({ status: 200 });
  }
  const exited = once(crowd, "exit");
  crowd.kill();
  await exited;
});
