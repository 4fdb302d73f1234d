import { beforeEach, expect, test } from "vitest";
import { IAttestationVerifier__factory } from "../../../../contracts/bindings/factories/IAttestationVerifier__factory.ts";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { registryInterface } from "../../../../oracle/chain/contracts/contracts.ts";
import type { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import type { EnclaveSet } from "../../../../oracle/enclaves/enclave-set.ts";
import type { EvidenceVerifier } from "../../../../client/evidence-verifier.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { AdmissionPlanner } from "../../../../oracle/relay/plans/admission-planner.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import { insertTransactions } from "../../../../oracle/store/transactions/insert.ts";
import { recordOutcomes } from "../../../../oracle/store/transactions/outcomes.ts";
import type { NewTransaction } from "../../../../oracle/store/transactions/transaction.ts";
import type { PlannedTransaction } from "../../../../oracle/transmitter/planned-transaction.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { CHAIN_ID, word } from "../../support/requests.ts";
import { createPgliteStore, useStore } from "../../support/stores.ts";
import { keyset } from "../../../support/vector-parts.ts";

const REGISTRY: Hex = `0x${"4e".repeat(20)}`;
const FROM: Hex = `0x${"fe".repeat(20)}`;
const POLICY = word(0x90);
const HOUR_MS = 3_600_000;
const HEAD: ChainHead = {
  latest: { number: 20, hash: word(20), parentHash: word(19), timestamp: 0, baseFeePerGas: 1n },
  settledNumber: 18,
};

let store: Store;
let now: number;
let sessions: EnclaveSession[];
let proofs: number;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(async () => {
  await store.db.deleteFrom("attempts").execute();
  await store.db.deleteFrom("transactions").execute();
  now = HOUR_MS;
  proofs = 0;
  sessions = [enclave(1)];
});

/** Its evidence is another each time, as that of a nonce is. */
function enclave(name: number): EnclaveSession {
  const keys = { ...keyset(), answerKey: `0x${String(name).padStart(40, "0")}` };
  const attestation = (): unknown => {
    proofs += 1;
    return { keyset: keys, evidence: { bytes: Uint8Array.of(proofs) } };
  };
  return {
    keysetId: word(name),
    attestation: { keyset: keys },
    client: { attestation: () => Promise.resolve(attestation()) },
  } as unknown as EnclaveSession;
}

const NO_RECORD = "00".repeat(32 * registryInterface.getFunction("admission").outputs[0]!.components!.length);

const verifierInterface = IAttestationVerifier__factory.createInterface();

function appraisal(): string {
  const seen = {
    platformId: word(0x70 + proofs),
    vendor: 1,
    validUntil: 2n ** 40n,
    voucher: word(0),
    voucherPolicyId: word(0),
    voucherSigner: `0x${"00".repeat(20)}`,
  };
  return verifierInterface.encodeFunctionResult("appraise", [seen]);
}

/** A registry that has admitted nobody. */
const rpc = {
  // Gas, or what the verifier sees in the evidence: a machine of its own for each key.
  call: (method: string) => Promise.resolve(method === "eth_call" ? appraisal() : 200_000),
  use: (work: (endpoint: unknown) => unknown) =>
    work({
      name: "fake",
      send: (calls: readonly unknown[]) =>
        Promise.resolve(
          calls.map((_, index) => ({ ok: true, result: index === 0 ? word(0) : `0x${NO_RECORD}` })),
        ),
    }),
} as unknown as RpcPool;

function createPlanner(): AdmissionPlanner {
  return new AdmissionPlanner({
    chainId: CHAIN_ID,
    registry: REGISTRY,
    admissions: [{ policyId: POLICY, verifier: REGISTRY }],
    rpc,
    store,
    enclaves: () => ({ sessions }) as unknown as EnclaveSet,
    verifier: { verifyAttestation: () => Promise.resolve() } as unknown as EvidenceVerifier,
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
    from: FROM,
    feeCap: 10n ** 10n,
    renewBeforeSeconds: 600,
    chainTime: () => now / 1_000,
    now: () => now,
    onAdmitted: () => undefined,
  });
}

/** What is planned, looking once a second, while nothing is mined. */
async function plannedIn(planner: AdmissionPlanner, minutes: number): Promise<PlannedTransaction[]> {
  const planned: PlannedTransaction[] = [];
  for (const end = now + minutes * 60_000; now < end; now += 1_000) {
    await planner.refresh();
    const round = await planner.plan(HEAD);
    await commit(round);
    planned.push(...round);
  }
  return planned;
}

async function commit(planned: readonly PlannedTransaction[]): Promise<void> {
  const signed = planned.map((transaction): NewTransaction => ({
    ...transaction,
    ...{ chainId: CHAIN_ID, signer: FROM, nonce: proofs, hash: word(proofs), raw: "0x02" },
    ...{ maxFee: 1n, priorityFee: 1n },
  }));
  if (signed.length > 0) await store.db.transaction().execute((trx) => insertTransactions(trx, signed, now));
}

/** The registry refuses all that waits, in a block that the journal has read. */
async function failOpen(): Promise<void> {
  await store.db
    .insertInto("blocks")
    .values({ chain_id: CHAIN_ID, number: 21, hash: word(21) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const open = await store.db
    .selectFrom("transactions")
    .select("id")
    .where("state", "=", "pending")
    .execute();
  await store.db.transaction().execute((trx) =>
    recordOutcomes(
      trx,
      CHAIN_ID,
      open.map(({ id }) => ({ id, state: "failed", block: { number: 21, hash: word(21) } })),
    ),
  );
}

test("an admission that waits to be mined is not sent again, and one that failed is", async () => {
  const planner = createPlanner();
  expect(await plannedIn(planner, 10)).toHaveLength(1);
  await failOpen();
  expect(await plannedIn(planner, 1)).toHaveLength(1);
});

test("enclaves do not wait for each other's admissions", async () => {
  const planner = createPlanner();
  expect(await plannedIn(planner, 1)).toHaveLength(1);
  sessions = [...sessions, enclave(2)];
  expect(await plannedIn(planner, 1)).toHaveLength(1);
});

test("a process that finds an admission waiting sends none until that one is mined", async () => {
  await plannedIn(createPlanner(), 1);
  const successor = createPlanner();
  expect(await plannedIn(successor, 10)).toEqual([]);
  await failOpen();
  expect(await plannedIn(successor, 1)).toHaveLength(1);
});
