import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RpcEndpoint } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { RpcPool } from "../../../oracle/chain/rpc/rpc-pool.ts";
import { createLogger } from "../../../oracle/log.ts";
import { ServedBook } from "../../../oracle/relay/served-contracts.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { startTestChain, type TestChain } from "../support/test-chain.ts";

const BEHAVIOUR: Hex = `0x${"be".repeat(32)}`;
const NOBODY: Hex = `0x${"99".repeat(20)}`;
const GRANT: Hex = `0x${"77".repeat(32)}`;
const REVOKED_KEYSET = 128;
const KEPT_MS = 30_000;

let chain: TestChain;
let rpc: RpcPool;
let now: number;
let book: ServedBook;

beforeAll(async () => {
  chain = await startTestChain({ behaviourDigest: BEHAVIOUR, quorumWindowSeconds: 7 });
  const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
  const endpoint = new RpcEndpoint({ url: chain.anvil.url, timeoutMs: 20_000, log, now: () => 0 });
  rpc = new RpcPool({ endpoints: [endpoint], log, now: () => 0 });
}, 120_000);
afterAll(async () => {
  rpc.close();
  await chain.stop();
});

beforeEach(() => {
  now = 0;
  const { policyId, verifier, coordinator, enclaveRegistry: registry } = chain.deployment;
  book = new ServedBook({
    config: {
      ...{ chainId: chain.chainId, coordinator, registry, fromBlock: 0 },
      admissions: [
        { policyId, verifier },
        { policyId: GRANT, verifier },
      ],
      ledgers: [{ address: NOBODY, fromBlock: 0, checkpointSeconds: 60, checkpointEntries: 256 }],
      provenLedgers: [{ address: NOBODY, fromBlock: 0 }],
      agents: [{ account: NOBODY, grantId: GRANT, program: "program" }],
    },
    rpc,
    now: () => now,
  });
});

describe("what a node serves, as the chain has it", () => {
  test("a policy: its settings, its rules by name, who may change it, and that nothing waits", async () => {
    const { policies } = await book.read();
    const owner = (await (await chain.provider.getSigner(0)).getAddress()).toLowerCase();
    expect(policies[0]).toMatchObject({
      ...{ policyId: chain.deployment.policyId, keysBeforeRequest: false, distinctVendors: false },
      ...{ quorumWindowSeconds: 7, owner, guardian: null, timelockSeconds: 0, pending: [] },
    });
    expect(policies[0]).toHaveProperty("rules");
    const rules = "rules" in (policies[0] ?? {}) ? (policies[0] as { readonly rules: unknown }).rules : null;
    expect(rules).toContainEqual({ name: "behaviour", subject: BEHAVIOUR });
    expect(rules).toContainEqual({ name: "verifier", subject: chain.deployment.verifier.toLowerCase() });
    expect(rules).toContainEqual({ name: "platform", subject: "any" });
  });

  test("a policy that the registry does not have is of version 0, and says so", async () => {
    const { policies } = await book.read();
    expect(policies[1]).toMatchObject({ policyId: GRANT, version: 0, rules: [] });
  });

  test("a contract that is not there takes no other with it, and is told by its error", async () => {
    const { ledgers, agents, policies } = await book.read();
    expect(ledgers).toEqual([
      { address: NOBODY, kind: "snapshot", fault: "CHAIN_REVERTED" },
      { address: NOBODY, kind: "proven", fault: "CHAIN_REVERTED" },
    ]);
    expect(agents).toEqual([{ account: NOBODY, grantId: GRANT, fault: "INPUT_NOT_FOUND" }]);
    expect(policies[0]).not.toHaveProperty("fault");
  });

  test("it is kept for half a minute, then read again: a keyset that was revoked meanwhile is told", async () => {
    const before = await book.read();
    const keyset = `0x${"11".repeat(32)}`;
    const value = `0x${"22".repeat(20).padStart(64, "0")}`;
    const { policyId } = chain.deployment;
    await (await chain.registry.narrow(policyId, [{ kind: REVOKED_KEYSET, subject: keyset, value }])).wait();
    now = KEPT_MS - 1;
    expect(await book.read()).toBe(before);
    now = KEPT_MS;
    const rule = { name: "revokedKeyset", subject: keyset };
    expect(JSON.stringify(before)).not.toContain(keyset);
    expect((await book.read()).policies[0]).toMatchObject({
      rules: expect.arrayContaining([rule]) as unknown,
    });
  });
});
