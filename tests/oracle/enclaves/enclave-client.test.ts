/** The oracle's client, talking to an enclave's own process. */

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { verifyCoseReceipt } from "../../../attestation/receipt/cose-receipt.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { EnclaveClient } from "../../../oracle/enclaves/enclave-client.ts";
import { isSessionFailure } from "../../../oracle/enclaves/enclave-set.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { answerCall, toWire } from "../../enclave/support/calls.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "../../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../../enclave/support/enclave-process.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

function keyHash({ publicKey }: X509Certificate): Hex {
  return toHex(
    createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest(),
  );
}

let model: StandInModel;
let enclave: EnclaveProcess;
let client: EnclaveClient;
beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
  const tlsKeyHash = await new Promise<Hex>((resolve, reject) => {
    const { hostname, port } = new URL(enclave.url);
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate()!;
      socket.destroy();
      resolve(keyHash(certificate));
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

test("an answer that takes too long is no sign that the connection is gone", async () => {
  const credentials = await (await createThrowawayAuthority(new Date())).issue(["localhost"]);
  await using server = createServer(credentials, () => undefined);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const slow = new EnclaveClient({
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    callerToken: CREDENTIAL,
    tlsKeyHash: keyHash(new X509Certificate(credentials.cert)),
    answerTimeoutMs: 30_000,
    maxSockets: 1,
  });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const asked = slow.answer("{}", new AbortController().signal).catch((error: unknown) => error);
    await once(server, "request");
    vi.advanceTimersByTime(30_000);
    const error = await asked;
    expect(error).toMatchObject({ code: "ENCLAVE_UNAVAILABLE", details: { timedOut: true } });
    expect(isSessionFailure(error)).toBe(false);
  } finally {
    vi.useRealTimers();
    slow.close();
  }
});
