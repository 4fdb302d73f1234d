import { AbiCoder } from "ethers";
import type * as z from "zod";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  AnswerChecker__factory,
  type ClaimReview,
  ClaimReview__factory,
} from "../../contracts/bindings/index.ts";
import type { PullAnswer } from "../../oracle/store/index-queries.ts";
import type { Answer } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { RequestWire } from "../../protocol/request.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { outcomeOf, type TestChain, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

const COVERED = 2n;
const WAITING = 1n;

let bed: Testbed;
let chain: TestChain;
let enclave: StandInEnclave;
let oracle: OracleProcess;
let review: ClaimReview;
let checkerAddress: string;

beforeAll(async () => {
  bed = await startTestbed();
  ({ chain, enclave } = bed);
  const output = AbiCoder.defaultAbiCoder().encode(["bool", "string"], [true, "A pipe burst."]) as Hex;
  enclave.decide = () => ({ status: 1, output });
  const coordinator = await chain.coordinator.getAddress();
  const checker = await new AnswerChecker__factory(chain.deployer).deploy(coordinator);
  checkerAddress = await checker.getAddress();
  review = await new ClaimReview__factory(chain.deployer).deploy(
    coordinator,
    checkerAddress,
    chain.deployment.policyId,
    "stand-in/stand-in-1",
  );
  oracle = await bed.startNode();
}, 90_000);

afterAll(() => bed.stop());

async function submit(claim: string): Promise<Hex> {
  const sent = await review.connect(chain.asker).submit(claim, 10n ** 15n, { value: 10n ** 17n });
  const receipt = await sent.wait();
  const log = receipt?.logs
    .map((entry) => chain.coordinator.interface.parseLog(entry))
    .find((entry) => entry?.name === "Requested");
  return String(log?.args["requestId"]) as Hex;
}

type Wire = Omit<PullAnswer, "request" | "answer"> & {
  readonly request: RequestWire;
  readonly answer: z.input<typeof Answer>;
};

function fetchAnswer(requestId: Hex): Promise<Wire> {
  return until("answer", async () => {
    const response = await fetch(`${oracle.url}/v1/answers/${requestId}`);
    return response.ok ? ((await response.json()) as Wire) : undefined;
  });
}

async function revertOf(call: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const data = (error as { data?: string } | undefined)?.data ?? "";
  const interfaces = [AnswerChecker__factory.createInterface(), review.interface, chain.registry.interface];
  return interfaces.flatMap((one) => one.parseError(data)?.name ?? [])[0];
}

test(
  "whoever fetches the answer from a node can bring it to the contract, once",
  { timeout: 60_000 },
  async () => {
    const requestId = await submit("Water came through the ceiling.");
    const { request, answer, output, signature, stateBlockNumber } = await fetchAnswer(requestId);
    const bearer = review.connect(await chain.provider.getSigner(8));
    expect(await review.decisions(requestId)).toBe(WAITING);
    // What was estimated while the request waits is too little once the node has settled it, which it does meanwhile.
    const gas = { gasLimit: 500_000 };
    await (await bearer.decide(request, answer, output, signature, stateBlockNumber, gas)).wait();
    expect(await review.decisions(requestId)).toBe(COVERED);
    expect(
      await revertOf(bearer.decide.staticCall(request, answer, output, signature, stateBlockNumber)),
    ).toBe("AnswerAlreadyConsumed");
    // The payee is paid by the same answer, settled without its output.
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: 1 });
  },
);

test(
  "an answer that was settled already is taken too, and nobody can alter it",
  { timeout: 60_000 },
  async () => {
    const requestId = await submit("The cellar is wet.");
    const { request, answer, output, signature, stateBlockNumber } = await fetchAnswer(requestId);
    await untilSettled(chain, requestId);
    const other = AbiCoder.defaultAbiCoder().encode(["bool", "string"], [false, "Never."]);
    const refusals = [
      await revertOf(review.decide.staticCall(request, answer, other, signature, stateBlockNumber)),
      await revertOf(
        review.decide.staticCall({ ...request, fee: 1n }, answer, output, signature, stateBlockNumber),
      ),
      await revertOf(
        review.decide.staticCall(
          request,
          { ...answer, answeredAt: BigInt(answer.answeredAt) + 1n },
          output,
          signature,
          stateBlockNumber,
        ),
      ),
    ];
    expect(refusals).toEqual(["WrongOutput", "WrongQuestion", "SignerNotAdmitted"]);
    await (await review.decide(request, answer, output, signature, stateBlockNumber)).wait();
    expect(await review.decisions(requestId)).toBe(COVERED);
    expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 1 });
  },
);
