/** A real enclave with the stand-in model, whose calls are counted, and what a front needs to reach it. */

import { createEvidenceVerifier } from "../../../client/evidence-verifier.ts";
import { describeSimulator } from "../../../devnet/simulator.ts";
import { startStandInModel } from "../../../devnet/stand-in-model.ts";
import { connectEnclave } from "../../../oracle/enclaves/enclave-session.ts";
import type { VerifiedEnclave } from "../../../oracle/front/upstream.ts";
import { behaviourFile, operatorFile } from "../../enclave/support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../../enclave/support/enclave-process.ts";
import { wallClockMs } from "../../oracle/support/wall-clock.ts";
import { startDiverter } from "./diverter.ts";

export interface CountedEnclave {
  readonly enclave: EnclaveProcess;
  /** As a front connects: verifies the evidence. */
  readonly connect: () => Promise<VerifiedEnclave>;
  /** Connections that were made to the provider for a model's answer: one for each call. */
  readonly modelCalls: () => number;
  readonly stop: () => Promise<void>;
}

export async function startCountedEnclave(): Promise<CountedEnclave> {
  const model = await startStandInModel(new Date());
  // In front of the model, so that its calls can be counted.
  const counted = await startDiverter(new URL(model.url).origin);
  const behaviour = behaviourFile({ ...model, url: `${counted.url}/v1` });
  const time = { ...behaviour.time, urls: [new URL("/", model.url).href] } as typeof behaviour.time;
  const enclave = await startEnclaveProcess({ behaviour: { ...behaviour, time }, operator: operatorFile() });
  const { policy } = await describeSimulator("test", Math.floor(wallClockMs() / 1_000));
  const endorsements = { find: () => Promise.resolve({}) };
  const verifier = createEvidenceVerifier({ policy, endorsements, now: wallClockMs });
  return {
    enclave,
    connect: async () => {
      const address = { url: enclave.url, callerToken: "none" };
      const session = await connectEnclave(address, verifier, { answerTimeoutMs: 10_000, maxSockets: 1 });
      session.client.close();
      return { url: enclave.url, tlsKeyHash: session.attestation.keyset.tlsKeyHash };
    },
    modelCalls: () => counted.connections(),
    stop: async () => {
      await enclave.stop();
      await counted.stop();
      await model.stop();
    },
  };
}
