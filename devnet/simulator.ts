/** What a local network must know of the simulator: the key that its on-chain verifier takes, and the policy that names it. */

import {
  proposePolicy,
  verifySimulatorEvidence,
  type AppraisalPolicy,
  type UnixSeconds,
} from "../attestation/index.ts";
import { createSimulatorAttester } from "../enclave/attesters/simulator/simulator-attester.ts";
import { SIMULATOR_ATTESTATION_KEY } from "../enclave/attesters/simulator/simulator-pki.ts";
import { toHex, type Hex } from "../protocol/bytes.ts";

export interface SimulatedEnclave {
  /** The public key under the simulator's quotes. */
  readonly key: { readonly x: Hex; readonly y: Hex };
  /** MRTD, RTMR0, RTMR1, RTMR2. */
  readonly registers: readonly Hex[];
  /** Accepts this platform's simulated evidence and refuses everything else. */
  readonly policy: AppraisalPolicy;
}

/** @param now seconds, inside the validity of the simulator's certificates */
export async function describeSimulator(platform: string, now: UnixSeconds): Promise<SimulatedEnclave> {
  const { coordinates } = SIMULATOR_ATTESTATION_KEY;
  const { measurements, getEvidence } = await createSimulatorAttester({ platform });
  const evidence = await verifySimulatorEvidence(await getEvidence(new Uint8Array(64)), { now });
  return {
    key: { x: toHex(coordinates.subarray(0, 32)), y: toHex(coordinates.subarray(32)) },
    registers: [measurements.mrTd, measurements.rtMr0, measurements.rtMr1, measurements.rtMr2],
    policy: proposePolicy(evidence),
  };
}
