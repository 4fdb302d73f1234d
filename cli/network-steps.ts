/** Shows how far the start of a local network is. */

import type { NetworkStep } from "../devnet/start.ts";
import { showWaiting } from "./terminal.ts";

/** The message while each step runs. */
const NEXT: Readonly<Record<NetworkStep, string>> = {
  chain: "starting the model's server",
  model: "deploying the contracts",
  contracts: "starting the enclave",
  enclave: "starting the oracle",
  oracle: "waiting for the chain to admit the enclave",
  admission: "",
};

export interface ShownSteps {
  readonly onStep: (step: NetworkStep, detail: string) => void;
  /** To be called whether the start succeeded or not. */
  readonly end: () => void;
}

export function showSteps(say: (step: NetworkStep, detail: string) => void): ShownSteps {
  let waiting = showWaiting("starting the chain");
  return {
    onStep: (step, detail) => {
      waiting.end();
      say(step, detail);
      if (NEXT[step] !== "") waiting = showWaiting(NEXT[step]);
    },
    end: () => {
      waiting.end();
    },
  };
}
