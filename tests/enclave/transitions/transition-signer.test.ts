/** What an enclave signs for proven ledgers: writes of its own answers, and epochs that follow from them. */

import { beforeEach, describe, expect, test } from "vitest";
import {
  createGrumpkinKey,
  isGrumpkinSignature,
  signGrumpkin,
} from "../../../coprocessor/epochs/grumpkin.ts";
import { judgeProvenEpoch } from "../../../coprocessor/epochs/judge-proven-epoch.ts";
import { witnessDigest } from "../../../coprocessor/epochs/epoch-statement.ts";
import {
  ledgerIdOf,
  ruleIdOf,
  transitionContext,
  transitionKeyDigest,
  transitionMessage,
} from "../../../coprocessor/epochs/transition.ts";
import type { TransitionCall, TransitionReply } from "../../../coprocessor/epochs/transition-call.ts";
import type { EpochWitnessCall } from "../../../coprocessor/epochs/witness-call.ts";
import { ledgerKey } from "../../../coprocessor/ledger/entry.ts";
import { POSEIDON_NODES, poseidonTreeHash } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";
import { toStatePathWire } from "../../../coprocessor/ledger/state-path.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import { AnswerLedger } from "../../../enclave/answers/answer-ledger.ts";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { createIdentity } from "../../../enclave/identity/identity.ts";
import { StatementLog } from "../../../enclave/log/statement-log.ts";
import { SignedEpochs } from "../../../enclave/snapshots/signed-epochs.ts";
import { createEpochWitness, type WitnessEpoch } from "../../../enclave/transitions/epoch-witness.ts";
import {
  createTransitionSigner,
  type SignTransition,
} from "../../../enclave/transitions/transition-signer.ts";
import * as p from "../../../protocol/index.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { requestFor } from "../support/calls.ts";
import { behaviourFile, CHAIN_ID, operatorFile } from "../support/configuration.ts";

const word = (label: string): p.Hex => p.keccakText(`transition signer ${label}`);
const configuration = readConfiguration(
  p.toUtf8(
    JSON.stringify(
      behaviourFile({ url: "https://127.0.0.1:1/v1", certificateAuthority: "-----BEGIN CERTIFICATE-----" }),
    ),
  ),
  p.toUtf8(JSON.stringify(operatorFile())),
);
const identity = createIdentity(configuration, "test");
const LEDGER = {
  chainId: CHAIN_ID,
  ledger: `0x${"1e".repeat(20)}`,
  ruleId: ruleIdOf("Register", 1),
} as const;
const operator = {
  ...configuration.operator.public,
  coordinators: [{ chainId: CHAIN_ID, coordinator: LEDGER.ledger }],
};
const LOCAL_KEY = word("post");
const SEED = p.concatBytes(p.fromHex(word("seed")), p.fromHex(word("more")));

let answers: AnswerLedger;
let log: StatementLog;
let sign: SignTransition;
let witness: WitnessEpoch;

beforeEach(() => {
  answers = new AnswerLedger();
  log = new StatementLog(identity);
  const common = { identity, log, operator };
  sign = createTransitionSigner({ ...common, answers, seed: SEED });
  witness = createEpochWitness({
    ...common,
    epochs: new SignedEpochs(),
    judge: (call) => Promise.resolve().then(() => judgeProvenEpoch(call)),
  });
});

/** A request for a write, answered here with `value`. */
async function asked(
  value: p.Hex,
  {
    seq = 1n,
    status = p.AnswerStatus.ok,
    context,
  }: { readonly seq?: bigint; readonly status?: p.AnswerStatus; readonly context?: p.Hex } = {},
): Promise<TransitionCall> {
  const named = transitionContext({ ledger: LEDGER.ledger, localKey: LOCAL_KEY, seq });
  const request = requestFor(p.toUtf8("a question"), { context: context ?? named });
  const text = JSON.stringify({
    answer: { status, outputHash: p.keccak(p.fromHex(value)) },
    output: value,
  });
  await answers.add(p.requestId(request), request.deadline, 0, () =>
    Promise.resolve({ text, batchMember: null }),
  );
  return { ledger: LEDGER, request, localKey: LOCAL_KEY, seq, oldLeaf: 0n };
}

describe("a write of a proven ledger", () => {
  test("is signed as this enclave answered, by a key that its answer key names for the ledger", async () => {
    const call = await asked(word("value"));
    const { signer, transition } = await sign(call);
    expect(transition).toMatchObject({
      key: ledgerKey(call.request.consumer, LOCAL_KEY),
      seq: 1n,
      value: word("value"),
      link: p.requestId(call.request),
    });
    const [signature] = transition.signatures;
    if (signature === undefined) throw new Error("no signature");
    const message = transitionMessage(ledgerIdOf(LEDGER), transition);
    expect(isGrumpkinSignature(signer, signature, message)).toBe(true);
    expect(p.recoverSigner(transitionKeyDigest(LEDGER, signer), signer.signature)).toBe(
      identity.keyset.answerKey,
    );
    // The write, and the key's name.
    expect(log.checkpoint().split("\n")[1]).toBe("2");
  });

  test("of more than a word is its hash", async () => {
    const long = p.toHex(p.toUtf8("a long answer, in more bytes than a word has"));
    const { transition } = await sign(await asked(long));
    expect(transition.value).toBe(p.keccak(p.fromHex(long)));
  });

  test.for([
    ["another key", { localKey: word("other") }],
    ["another seq", { seq: 2n }],
    ["another ledger", { ledger: { ...LEDGER, ledger: `0x${"2e".repeat(20)}` } }],
    ["another chain", { ledger: { ...LEDGER, chainId: CHAIN_ID + 1n } }],
  ] as const)("is not signed for %s than the request named", async ([, change]) => {
    const call = await asked(word("value"));
    expect(await rejectionOf(() => sign({ ...call, ...change }))).toBe("INPUT_INVALID");
  });

  test("is not signed of a request that was not answered here, or came to no answer", async () => {
    const call = await asked(word("value"));
    const request = { ...call.request, nonce: call.request.nonce + 1_000 };
    expect(await rejectionOf(() => sign({ ...call, request }))).toBe("INPUT_NOT_FOUND");
    const refused = await asked("0x", { status: p.AnswerStatus.refused });
    expect(await rejectionOf(() => sign(refused))).toBe("INPUT_INVALID");
  });

  test("is signed once for each seq: of two answers the host enters the first that it brings", async () => {
    const first = await asked(word("value"));
    const second = await asked(word("liked better"));
    const outcomes = await Promise.allSettled([sign(first), sign(second)]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await sign(await asked(word("next"), { seq: 2n }));
    expect(await rejectionOf(() => sign(first))).toBe("INPUT_CONFLICT");
  });

  test("is signed again over what a reorg left", async () => {
    const call = await asked(word("value"));
    const before = await sign(call);
    const after = await sign({ ...call, oldLeaf: 5n });
    expect(after.transition).toMatchObject({ value: before.transition.value, oldLeaf: 5n });
    expect(await sign(call)).toEqual(before);
  });
});

describe("a proven epoch", () => {
  function callOf({ signer, transition }: TransitionReply, epoch = 0n): EpochWitnessCall {
    const state = StateTree.empty(poseidonTreeHash);
    return {
      ledger: LEDGER,
      epoch,
      oldRoot: state.root,
      signers: [{ ...signer, group: 256n }],
      steps: [
        { kind: "signed", transition },
        { kind: "read", key: word("unwritten") },
        { kind: "inbox", key: word("queued"), value: word("cap") },
      ],
      paths: [transition.key, word("unwritten"), word("queued")].map((key) =>
        toStatePathWire(key, state.path(key), POSEIDON_NODES),
      ),
    };
  }

  test("is vouched for where its rows follow from what enclaves signed, to the same bytes", async () => {
    const signed = await sign(await asked(word("value")));
    const call = callOf(signed);
    const reply = await witness(call);
    const statement = judgeProvenEpoch(call);
    expect(p.recoverSigner(witnessDigest(statement), reply.signature)).toBe(identity.keyset.answerKey);
    expect(reply.newRoot).toBe(statement.newRoot);
    const state = StateTree.empty(poseidonTreeHash);
    const { key, seq, value } = signed.transition;
    state.set({ key, seq, value });
    state.set({ key: word("queued"), seq: 1n, value: word("cap") });
    expect(statement.newRoot).toBe(state.root);
    expect(await witness(call)).toEqual(reply);
  });

  test("is vouched for once: another content, or an epoch behind, is refused", async () => {
    const call = callOf(await sign(await asked(word("value"))), 3n);
    await witness(call);
    const other = { ...call, steps: call.steps.slice(1) };
    expect(await rejectionOf(() => witness(other))).toBe("INPUT_CONFLICT");
    expect(await rejectionOf(() => witness({ ...other, epoch: 2n }))).toBe("INPUT_CONFLICT");
    await witness({ ...other, epoch: 4n });
  });

  test("is not vouched for where a value, a key, a state or a signer is another", async () => {
    const signed = await sign(await asked(word("value")));
    const call = callOf(signed);
    const withStep = (change: object): EpochWitnessCall => ({
      ...call,
      steps: [{ kind: "signed", transition: { ...signed.transition, ...change } }],
    });
    expect(await rejectionOf(() => witness(withStep({ value: word("other") })))).toBe("INPUT_UNAUTHORIZED");
    expect(await rejectionOf(() => witness(withStep({ seq: 2n })))).toBe("INPUT_CONFLICT");
    expect(await rejectionOf(() => witness({ ...call, oldRoot: 5n }))).toBe("INPUT_INVALID");
    expect(await rejectionOf(() => witness({ ...call, paths: call.paths.slice(1) }))).toBe("INPUT_INVALID");
    expect(await rejectionOf(() => witness({ ...call, signers: [] }))).toBe("INPUT_UNAUTHORIZED");
    const stolen = createGrumpkinKey(p.concatBytes(p.fromHex(word("mallory")), p.fromHex(word("keys"))));
    const message = transitionMessage(ledgerIdOf(LEDGER), signed.transition);
    const forged = {
      ...withStep({ signatures: [{ ...stolen.publicKey, ...signGrumpkin(stolen, message) }] }),
      signers: [{ ...signed.signer, ...stolen.publicKey, group: 256n }],
    };
    // No answer key named it.
    expect(await rejectionOf(() => witness(forged))).toBe("INPUT_UNAUTHORIZED");
    await witness(call);
  });

  test("of a ledger or a rule that is not served is refused", async () => {
    const call = callOf(await sign(await asked(word("value"))));
    const elsewhere = { ...LEDGER, ledger: `0x${"2e".repeat(20)}` } as const;
    expect(await rejectionOf(() => witness({ ...call, ledger: elsewhere }))).toBe("INPUT_INVALID");
    const unknown = { ...call, ledger: { ...LEDGER, ruleId: word("rule") } };
    expect(await rejectionOf(() => witness(unknown))).toBe("INPUT_INVALID");
  });
});
