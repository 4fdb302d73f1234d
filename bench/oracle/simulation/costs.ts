/** What a measuring run of real processes (`bench:oracle -- --only costs`) found that an answer costs each of them: what the simulation computes with. */

import * as z from "zod";

const amount = z.number().min(0);

export const MeasuredCosts = z.strictObject({
  /** Where the figures come from. */
  source: z.string(),
  /** Milliseconds of processor time for each answer, above what is used without load. */
  msPerAnswer: z.strictObject({
    /** Of the node that holds the chain: blocks, events and the journal. */
    follow: amount,
    /** Of the node that took the job: the enclave's answer, asked for, checked and recorded. */
    ask: amount,
    /** Of the node that holds the chain: planned, simulated, signed, committed, sent. */
    send: amount,
    enclave: amount,
    /** Of PostgreSQL's processes. */
    store: amount,
    /** Of the chain's server. */
    rpc: amount,
  }),
  /** How often the measured node looked at its chain: what it does without load is taken to be in proportion. */
  idlePollMs: z.number().min(1),
  /** Milliseconds of processor time a second without load, of a node with one chain, and of what it polls. */
  idleMsPerSecond: z.strictObject({ node: amount, store: amount, rpc: amount }),
  /** Messages to the chain's server; one may hold many calls. */
  rpcExchangesPerAnswer: amount,
  rpcExchangesPerSecondIdle: amount,
  commitsPerAnswer: amount,
  walBytesPerAnswer: amount,
  gasPerAnswer: amount,
  answersPerTransaction: z.number().min(1),
});
export type MeasuredCosts = z.output<typeof MeasuredCosts>;
