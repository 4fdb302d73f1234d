export { simulator } from "../enclave/attesters/simulator/simulator.ts";
