import { TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

const TYPES = {
  AgentRun: p.AGENT_RUN_TYPE.slice("AgentRun(".length, -1)
    .split(",")
    .map((member) => ({ type: member.split(" ")[0]!, name: member.split(" ")[1]! })),
};

test("a run's id is its EIP-712 struct hash", () => {
  fc.assert(
    fc.property(arbitrary.agentRun, (run) => {
      expect(p.agentRunId(run)).toBe(TypedDataEncoder.from(TYPES).hashStruct("AgentRun", run));
    }),
  );
});

test("the type string names the schema's fields in its order", () => {
  expect(TYPES.AgentRun.map(({ name }) => name)).toEqual(Object.keys(p.AgentRun.shape));
});

test("the accounts' domain is ethers', and no other road's", () => {
  fc.assert(
    fc.property(arbitrary.onChainDomain, ({ chainId, verifyingContract }) => {
      const domain = p.agentDomain(chainId, verifyingContract);
      expect(p.domainSeparator(domain)).toBe(TypedDataEncoder.hashDomain(domain));
      const others = [
        p.onChainDomain(chainId, verifyingContract),
        p.functionsDomain(chainId, verifyingContract),
      ];
      for (const other of others) expect(p.domainSeparator(other)).not.toBe(p.domainSeparator(domain));
    }),
  );
});

test.for(Object.keys(p.AgentRun.shape))("another %s is another run", (field) => {
  const [run] = fc.sample(arbitrary.agentRun, { numRuns: 1, seed: 1 });
  if (run === undefined) throw new Error("no run");
  const value = run[field as keyof p.AgentRun];
  const other =
    typeof value === "bigint" ? value ^ 1n : value.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  expect(p.agentRunId({ ...run, [field]: other })).not.toBe(p.agentRunId(run));
});
