export { Worker } from "node:worker_threads";
export { simulator } from "../enclave/attesters/simulator/simulator.ts";
