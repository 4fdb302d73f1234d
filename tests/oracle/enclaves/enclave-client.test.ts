/** The oracle's client, talking to an enclave's own process. */

import { connect } from "node:tls";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyCoseReceipt } from "../../../attestation/index.ts";
import { startStandInModel, type StandInModel } from "../../../cli/demo/stand-in-model.ts";
import { EnclaveClient } from "../../../oracle/enclaves/enclave-client.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { answerCall, toWire } from "../../enclave/support/calls.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../../enclave/support/enclave-process.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

let model: StandInModel;
let enclave: EnclaveProcess;
let client: EnclaveClient;
beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
  const tlsKeyHash = await new Promise<Hex>((resolve, reject) => {
    const { hostname, port } = new URL(enclave.url);
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const spki = socket.getPeerX509Certificate()!.publicKey.export({ type: "spki", format: "der" });
      socket.destroy();
      resolve(toHex(createHash("sha256").update(spki).digest()));
    });
    socket.once("error", reject);
  });
  client = new EnclaveClient({
    url: enclave.url,
    callerToken: CREDENTIAL,
    tlsKeyHash,
    answerTimeoutMs: 30_000,
    maxSockets: 4,
  });
});
afterAll(async () => {
  client.close();
  await enclave.stop();
  await model.stop();
});

test("fetches the COSE twin of an answer, and says so where there is none", async () => {
  const deadline = BigInt(Math.floor(new Date().getTime() / 1000) + 600);
  const { answer } = await client.answer(toWire(answerCall({}, { deadline })), new AbortController().signal);
  const { statement } = verifyCoseReceipt(await client.twin(answer.requestId));
  expect(statement.answer).toEqual(answer);
  expect(await rejectionOf(() => client.twin(`0x${"00".repeat(32)}`))).toBe("ENCLAVE_UNAVAILABLE");
});
