import { request } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../devnet/throwaway-authority.ts";
import { answerCall, TEXT, toWire } from "./support/calls.ts";
import { behaviourFile, CREDENTIAL, operatorFile } from "./support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "./support/enclave-process.ts";
import { startHostileServer, type HostileServer } from "./support/hostile-server.ts";

const now = new Date();
const authority = await createThrowawayAuthority(now);
const deadline = BigInt(Math.floor(now.getTime() / 1000) + 600);

let model: HostileServer;
let enclave: EnclaveProcess;

beforeAll(async () => {
  model = await startHostileServer({
    credentials: await authority.issue(["localhost"]),
    respond: (response, { method }) => {
      if (method === "HEAD") {
        response.writeHead(204).end();
        return;
      }
      const choices = [{ finish_reason: "stop", message: { content: "the same" } }];
      const body = JSON.stringify({ id: "r", model: "m", choices });
      response.setHeader("content-length", Buffer.byteLength(body));
      response.end(body);
    },
  });
  const url = `https://localhost:${model.port}/v1`;
  const behaviour = behaviourFile({ url, certificateAuthority: authority.certificate });
  enclave = await startEnclaveProcess({ behaviour, operator: operatorFile() });
});
afterAll(async () => {
  await enclave.stop();
  await model.stop();
});

/** What the provider received because of one call. */
async function asked(nonce: number, headers: Record<string, string>): Promise<readonly string[]> {
  const before = model.received.length;
  const body = toWire(answerCall({ format: TEXT }, { deadline, nonce }));
  const status = await new Promise((resolve, reject) => {
    const client = request(
      new URL("/v1/answers", enclave.url),
      {
        method: "POST",
        headers: { authorization: `Bearer ${CREDENTIAL}`, "content-type": "application/json", ...headers },
        rejectUnauthorized: false,
        agent: false,
      },
      (response) => {
        response.resume().once("end", () => {
          resolve(response.statusCode);
        });
      },
    );
    client.once("error", reject);
    client.end(body);
  });
  expect(status).toBe(200);
  return model.received.slice(before).filter((part) => !part.startsWith("HEAD "));
}

test("a trace's headers change no byte that a provider gets", async () => {
  const plain = await asked(1, {});
  const traced = await asked(2, {
    traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`,
    tracestate: "vendor=secret",
    baggage: "user=secret",
  });
  expect(plain.length).toBeGreaterThan(0);
  expect(traced).toEqual(plain);
  expect(traced.join()).not.toMatch(/abab|cdcd|secret|traceparent|baggage/);
});
