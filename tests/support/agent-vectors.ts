/** The vectors of agents: runs, and the calls that contracts write. */

import * as z from "zod";
import * as p from "../../protocol/index.ts";
import { answers, signerAddress } from "./vector-parts.ts";
import { account, ANSWER_PRIVATE_KEY, word } from "./vector-words.ts";

/** Runs of agents, and what an enclave signs of each. */
export function agentRunVectors(): unknown {
  const slot: p.AgentRun = {
    chainId: 31_337n,
    account: account("agent account"),
    grantId: word("grant"),
    programHash: word("program"),
    inputHash: p.keccakText(""),
    policyId: word("policy"),
    requestedAt: 1_799_998_800n,
    nonce: 2_999_998n,
    stateBlockHash: word("state block"),
    deadline: 1_799_999_400n,
  };
  const extreme: p.AgentRun = {
    ...slot,
    chainId: 2n ** 256n - 1n,
    account: `0x${"ff".repeat(20)}`,
    inputHash: word("input"),
    requestedAt: 2n ** 40n - 1n,
    nonce: 2n ** 64n - 1n,
    deadline: 2n ** 40n - 1n,
  };
  return {
    typehash: p.AGENT_RUN_TYPEHASH,
    signer: signerAddress(),
    cases: [slot, extreme].map((run) => {
      const domain = p.agentDomain(run.chainId, run.account);
      const [base] = answers();
      if (base === undefined) throw new Error("no answer");
      const answer = { ...base, requestId: p.agentRunId(run), stateBlockHash: run.stateBlockHash };
      const digest = p.answerDigest(domain, answer);
      return {
        run: z.encode(p.AgentRun, run),
        requestId: p.agentRunId(run),
        domainSeparator: p.domainSeparator(domain),
        answerHash: p.answerStructHash(answer),
        digest,
        signature: p.signDigest(digest, ANSWER_PRIVATE_KEY),
      };
    }),
  };
}

/** Payloads that contracts write: a program by its hash, with nothing, less than a word, and more than one of input. */
export function agentCallVectors(): unknown {
  const inputs = [
    new Uint8Array(),
    p.toUtf8("{}"),
    p.toUtf8(JSON.stringify({ question: "Which temple?".repeat(5) })),
  ];
  return {
    cases: inputs.map((input, index) => {
      const call = {
        programHash: word("program"),
        program: new Uint8Array(),
        input,
        maxOutputBytes: 1_024 ** index,
      };
      return {
        programHash: call.programHash,
        input: p.toHex(input),
        maxOutputBytes: call.maxOutputBytes,
        payload: p.toHex(p.encodePayload({ type: p.PayloadType.agent, call })),
      };
    }),
  };
}
