/** Whatever is wrong with a question or with the model, the requester ends with a status or with a refund, never in silence. */

import { ZeroHash, type ContractTransactionResponse, type Signer } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askContract, type Answered } from "../../cli/ask/ask-contract.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localAddress, localSigner } from "../../devnet/local-accounts.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { Concierge__factory, OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import type { OracleCoordinator } from "../../contracts/bindings/index.ts";
import { toHex } from "../../protocol/bytes.ts";
import { encodePayload, PayloadType } from "../../protocol/payload.ts";
import { OutputKind, PanelRule, PROVIDER_DEFAULT_SAMPLING, Role } from "../../protocol/prompt.ts";
import { Delivery } from "../../protocol/request.ts";
import { startTestNetwork } from "../support/local-network.ts";

const FEE = 10n ** 15n;
const BOOL = "(bool yes)";

/** Models of the stand-in that fail in one way each. */
const FAILING = ["http-500", "timeout", "html", "truncated", "redirect", "not-a-bool", "refusal"];

type Send = (
  network: LocalNetwork,
  signer: Signer,
  fee: bigint,
  value: bigint,
) => Promise<ContractTransactionResponse>;

const askConcierge =
  (model: string, outputType: string): Send =>
  ({ file }, signer, fee, value) =>
    Concierge__factory.connect(file.contracts.concierge, signer).ask(
      model,
      "Is water wet?",
      outputType,
      fee,
      { value },
    );

/** A request from an account, with a payload and a deadline of its own. */
const askDirectly =
  (payload: string, lifetimeSeconds: number): Send =>
  async ({ file, provider }, signer, fee, value) => {
    const block = await provider.getBlock("latest");
    const terms = {
      context: ZeroHash,
      payer: await signer.getAddress(),
      refundTo: await signer.getAddress(),
      subscriptionId: 0,
      policyId: file.policyId,
      threshold: 1,
      aggregation: 0,
      delivery: Delivery.hash,
      callbackGasLimit: 0,
      maxOutputBytes: 64,
      fee,
      gasPriceCap: 10n ** 10n,
      deadline: BigInt(block!.timestamp + lifetimeSeconds),
    };
    return await OracleCoordinator__factory.connect(file.contracts.coordinator, signer).request(
      terms,
      payload,
      {
        value,
      },
    );
  };

/** A well-formed question to a model that never answers. */
const UNANSWERED = toHex(
  encodePayload({
    type: PayloadType.inference,
    prompt: {
      models: ["stand-in/timeout"],
      panelRule: PanelRule.none,
      panelQuorum: 0,
      messages: [{ role: Role.user, content: "Anybody there?" }],
      maxOutputTokens: 16,
      sampling: PROVIDER_DEFAULT_SAMPLING,
      format: { kind: OutputKind.text, schema: "", choices: [] },
      parts: [],
    },
  }),
);

/** Of requests through the example contract, and of the local network's coordinator. */
const HOUR_SECONDS = 3_600;
const WINDOW_SECONDS = 10;
/** More than the window, as the coordinator wants it; less than the oracle wants to have left when it asks a model. */
const TOO_SHORT_SECONDS = 25;
/** What passed since the first request was made, and before the window of the last begins. */
const SPARE_SECONDS = 20;

interface Case {
  readonly what: string;
  readonly send: Send;
  readonly fee?: bigint;
  readonly status: Answered["status"];
}

const CASES: readonly Case[] = [
  { what: "an unknown model", send: askConcierge("stand-in/no-such-model", ""), status: "invalidRequest" },
  { what: "an unknown provider", send: askConcierge("nobody/model", ""), status: "invalidRequest" },
  {
    what: "an output type that is none",
    send: askConcierge("stand-in/stand-in-1", "(bool"),
    status: "invalidRequest",
  },
  {
    what: "a payload that does not decode",
    send: askDirectly("0x0101deadbeef", 600),
    status: "invalidRequest",
  },
  { what: "a payload of an unknown type", send: askDirectly("0x7f01", 600), status: "invalidRequest" },
  { what: "a fee too small", send: askConcierge("stand-in/stand-in-1", ""), fee: 1n, status: "outOfBudget" },
  // Too little is left for an answer to come into a block: no model is asked.
  { what: "a deadline that passes", send: askDirectly(UNANSWERED, TOO_SHORT_SECONDS), status: "refunded" },
  { what: "a model that answers 500", send: askConcierge("stand-in/http-500", ""), status: "upstreamFailed" },
  {
    what: "a model that does not answer",
    send: askConcierge("stand-in/timeout", ""),
    status: "upstreamFailed",
  },
  {
    what: "a model that answers HTML with 200",
    send: askConcierge("stand-in/html", ""),
    status: "upstreamFailed",
  },
  { what: "a model that breaks off", send: askConcierge("stand-in/truncated", ""), status: "upstreamFailed" },
  { what: "a model that redirects", send: askConcierge("stand-in/redirect", ""), status: "upstreamFailed" },
  {
    what: "text where a bool was asked",
    send: askConcierge("stand-in/not-a-bool", BOOL),
    status: "invalidOutput",
  },
  { what: "a model that refuses", send: askConcierge("stand-in/refusal", ""), status: "refused" },
];

let network: LocalNetwork;
let stop: () => Promise<void>;
const outcomes = new Map<string, Promise<Answered>>();

beforeAll(async () => {
  ({ network, stop } = await startTestNetwork({ models: FAILING, firstByteMs: 1_000 }));
  const signer = localSigner(network.provider, LocalAccount.asker);
  // All at once: their waits (time-outs, the fallback window) then pass together.
  for (const { what, send, fee = FEE } of CASES) {
    const outcome = askContract({
      provider: network.provider,
      signer,
      coordinator: network.file.contracts.coordinator,
      oracleUrl: network.file.oracleUrl,
      send: (asker, offered, value) => send(network, asker, offered, value),
      fee,
      monotonicMs: () => performance.now(),
      timeoutMs: 90_000,
      onStep: () => undefined,
    });
    outcome.catch(() => undefined);
    outcomes.set(what, outcome);
  }
}, 240_000);

afterAll(async () => {
  await stop();
}, 30_000);

test.for(CASES)("$what ends as $status", { timeout: 100_000 }, async ({ what, status }) => {
  const answered = await outcomes.get(what)!;
  expect(answered.status).toBe(status);
  // What a host can cause is told at once, and settles only shortly before the deadline.
  const isLate = status === "upstreamFailed" || status === "invalidRequest";
  expect(answered.fulfillTx === null).toBe(isLate);
  expect(answered.reason === null).toBe(!isLate);
  const { isPending } = await coordinatorOf(network).pending(answered.requestId);
  expect(isPending).toBe(isLate);
});

const coordinatorOf = ({ file, provider }: LocalNetwork): OracleCoordinator =>
  OracleCoordinator__factory.connect(file.contracts.coordinator, provider);

test(
  "in the last window before the deadline what was kept settles; every fee went back, and the coordinator holds what it owes",
  { timeout: 100_000 },
  async () => {
    const all = await Promise.all(outcomes.values());
    const { coordinator: address } = network.file.contracts;
    const coordinator = coordinatorOf(network);
    await network.provider.send("evm_increaseTime", [HOUR_SECONDS - WINDOW_SECONDS - SPARE_SECONDS]);
    await expect
      .poll(
        async () => {
          const states = await Promise.all(all.map(({ requestId }) => coordinator.pending(requestId)));
          return states.filter(({ isPending }) => isPending).length;
        },
        { timeout: 90_000, interval: 500 },
      )
      .toBe(0);
    const asker = await coordinator.creditOf(localAddress(LocalAccount.asker));
    const payee = await coordinator.creditOf(localAddress(LocalAccount.payee));
    const fees = CASES.reduce((sum, { fee = FEE }) => sum + fee, 0n);
    expect(asker).toBeGreaterThan(fees);
    expect(await network.provider.getBalance(address)).toBe(asker + payee);
  },
);
