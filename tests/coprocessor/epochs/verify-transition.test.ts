import { describe, expect, test } from "vitest";
import { createGrumpkinKey, signGrumpkin } from "../../../coprocessor/epochs/grumpkin.ts";
import {
  ledgerIdOf,
  ruleIdOf,
  transitionContext,
  transitionKeyDigest,
  transitionMessage,
  type SignedTransition,
  type Transition,
} from "../../../coprocessor/epochs/transition.ts";
import { verifyTransition, type LedgerProof } from "../../../coprocessor/epochs/verify-transition.ts";
import { ledgerKey } from "../../../coprocessor/ledger/entry.ts";
import { createEpochTree } from "../../../coprocessor/ledger/epoch-tree.ts";
import { encodeRow, RowKind, type Row } from "../../../coprocessor/ledger/row.ts";
import type { VerifiedReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import * as p from "../../../protocol/index.ts";
import { createSampleReceipt, SAMPLE_ANSWER_KEY } from "../../support/sample-receipt.ts";

const word = (label: string): p.Hex => p.keccakText(`verify transition ${label}`);
const LOCAL_KEY = word("post");
const NAME = { chainId: 31_337n, ledger: `0x${"11".repeat(20)}`, ruleId: ruleIdOf("Register", 1) } as const;
const CONTEXT = transitionContext({ ledger: NAME.ledger, localKey: LOCAL_KEY, seq: 2n });
const keyOf = (label: string) =>
  createGrumpkinKey(p.concatBytes(p.fromHex(word(label)), p.fromHex(word(`${label} more`))));
const KEY = keyOf("enclave");

/** The sample's answer, to a request for the second write of the post. What is no matter here stays the sample's. */
async function answered(context = CONTEXT, status: p.Answer["status"] = p.AnswerStatus.ok) {
  const sample = p.parseReceipt(await createSampleReceipt({ where: "on chain" }));
  if (!p.isOnChain(sample)) throw new Error("the sample is on chain");
  const request = { ...sample.request, chainId: NAME.chainId, context };
  const domain = p.onChainDomain(request.chainId, request.coordinator);
  const answer = { ...sample.answer, requestId: p.requestId(request), status };
  const receipt: p.OnChainReceipt = { ...sample, domain, request, answer };
  // The receipt's own checks are attestation's, and tested there.
  return { receipt } as unknown as VerifiedReceipt & { readonly receipt: p.OnChainReceipt };
}

interface Case {
  readonly verified: Awaited<ReturnType<typeof answered>>;
  readonly transition: SignedTransition;
  readonly proof: LedgerProof;
}

async function settled(change: Partial<Transition> = {}, signer = KEY): Promise<Case> {
  const verified = await answered();
  const { receipt } = verified;
  const transition: Transition = {
    key: ledgerKey(receipt.request.consumer, LOCAL_KEY),
    seq: 2n,
    value: receipt.answer.outputHash,
    oldLeaf: 5n,
    link: receipt.answer.requestId,
    ...change,
  };
  const message = transitionMessage(ledgerIdOf(NAME), transition);
  const row: Row = { kind: RowKind.signed, ...transition };
  const other: Row = { ...row, key: word("other") };
  const bytes = encodeRow(row);
  const tree = createEpochTree([encodeRow(other), bytes]);
  return {
    verified,
    transition: {
      ...transition,
      signatures: [{ signer: KEY.publicKey, signature: signGrumpkin(signer, message) }],
    },
    proof: {
      name: NAME,
      localKey: LOCAL_KEY,
      transitionKey: {
        ...KEY.publicKey,
        signature: p.signDigest(transitionKeyDigest(NAME, KEY.publicKey), SAMPLE_ANSWER_KEY),
      },
      row: { ...row, epoch: 0, bytes, proof: { index: 1, count: 2, path: tree.pathOf(1) } },
      rowsRoot: tree.root,
    },
  };
}

const stepOf = ({ verified, transition, proof }: Case): unknown => {
  try {
    verifyTransition(verified, transition, proof);
  } catch (error) {
    return (error as { details?: { check?: unknown } }).details?.check;
  }
  return "accepted";
};

describe("a transition of a receipt's answer", () => {
  test("is accepted where the ledger settled it", async () => {
    const { verified, transition, proof } = await settled();
    expect(verifyTransition(verified, transition, proof)).toMatchObject({ seq: 2n, key: transition.key });
  });

  test.for<[string, string, () => Promise<Case>]>([
    ["another request's", "link", () => settled({ link: word("link") })],
    ["another value", "value", () => settled({ value: word("value") })],
    ["another seq than was asked for", "request", () => settled({ seq: 3n })],
    ["another account's key", "key", () => settled({ key: word("key") })],
    ["signed by another key", "signature", () => settled({}, keyOf("mallory"))],
    [
      "of an answer that is none",
      "answer",
      async () => ({
        ...(await settled()),
        verified: await answered(CONTEXT, p.AnswerStatus.refused),
      }),
    ],
    [
      "of a receipt off chain",
      "answer",
      async () => {
        const receipt = p.parseReceipt(await createSampleReceipt({ where: "off chain" }));
        return { ...(await settled()), verified: { receipt } as unknown as Case["verified"] };
      },
    ],
  ])("is refused where it is %s", async ([, step, make]) => {
    expect(stepOf(await make())).toBe(step);
  });

  test.for<[string, string, (proof: LedgerProof) => Partial<LedgerProof>]>([
    ["for another ledger", "request", () => ({ name: { ...NAME, ledger: `0x${"22".repeat(20)}` } })],
    ["under another local key", "request", () => ({ localKey: word("other post") })],
    [
      "with a key that another enclave named",
      "transition-key",
      ({ transitionKey }) => ({
        transitionKey: {
          ...transitionKey,
          signature: p.signDigest(transitionKeyDigest(NAME, KEY.publicKey), p.fromHex(word("stranger"))),
        },
      }),
    ],
    [
      "with a row of another value",
      "row",
      ({ row }) => ({
        row: { ...row, bytes: encodeRow({ ...row, value: word("value") }) },
      }),
    ],
    [
      "with a row that was read, not written",
      "row",
      ({ row }) => ({
        row: { ...row, bytes: encodeRow({ ...row, kind: RowKind.read }) },
      }),
    ],
    ["at another place", "path", ({ row }) => ({ row: { ...row, proof: { ...row.proof, index: 0 } } })],
    ["in another epoch", "path", () => ({ rowsRoot: word("root") })],
  ])("is refused %s", async ([, step, change]) => {
    const given = await settled();
    expect(stepOf({ ...given, proof: { ...given.proof, ...change(given.proof) } })).toBe(step);
  });
});
