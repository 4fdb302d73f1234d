/** The simulator's side of a local network: the key that its on-chain verifier takes, and the policy that names it. */

import { proposePolicy, type AppraisalPolicy, type UnixSeconds } from "../attestation/index.ts";
import { verifySimulatorEvidence } from "../attestation/simulator/verify-simulator.ts";
import { createSimulatorAttester } from "../enclave/attesters/simulator/simulator-attester.ts";
import { SIMULATOR_ATTESTATION_KEY } from "../enclave/attesters/simulator/simulator-pki.ts";
import { toHex, type Hex } from "../protocol/bytes.ts";
import type { RegisterChoice } from "./deployment.ts";

/** MRTD and RTMR0 to RTMR2. */
const REGISTER_MASK = 0b0111_0001;

/** The public key under the simulator's quotes. */
export interface SimulatorKey {
  readonly x: Hex;
  readonly y: Hex;
}

export function simulatorKey(): SimulatorKey {
  const { coordinates } = SIMULATOR_ATTESTATION_KEY;
  return { x: toHex(coordinates.subarray(0, 32)), y: toHex(coordinates.subarray(32)) };
}

export interface SimulatedEnclave {
  readonly key: SimulatorKey;
  readonly registers: RegisterChoice;
  /** Accepts this platform's simulated evidence and refuses everything else. */
  readonly policy: AppraisalPolicy;
}

/** @param now seconds, inside the validity of the simulator's certificates */
export async function describeSimulator(platform: string, now: UnixSeconds): Promise<SimulatedEnclave> {
  const { measurements, getEvidence } = await createSimulatorAttester({ platform });
  const evidence = await verifySimulatorEvidence(await getEvidence(new Uint8Array(64)), { now });
  return {
    key: simulatorKey(),
    registers: {
      mask: REGISTER_MASK,
      values: [measurements.mrTd, measurements.rtMr0, measurements.rtMr1, measurements.rtMr2],
    },
    policy: proposePolicy(evidence),
  };
}
