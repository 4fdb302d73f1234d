/** What several of the protocol's vectors are made of: requests, a keyset and its answers. */

import * as p from "../../protocol/index.ts";
import { encodePrompt } from "./prompt-vectors.ts";
import { account, ANSWER_PRIVATE_KEY, word } from "./vector-words.ts";

export function requests(): readonly p.Request[] {
  const plain: p.Request = {
    chainId: 31_337n,
    coordinator: account("coordinator"),
    consumer: account("consumer"),
    requestedAt: 1_799_998_800n,
    nonce: 0,
    context: word("context"),
    payer: account("payer"),
    refundTo: account("refundTo"),
    subscriptionId: 0n,
    payloadHash: p.payloadHash(encodePrompt("text")),
    payloadUriHash: `0x${"00".repeat(32)}`,
    policyId: word("policy"),
    threshold: 1,
    aggregation: p.Aggregation.first,
    delivery: p.Delivery.callback,
    callbackGasLimit: 100_000,
    maxOutputBytes: 1_024,
    fee: 1_000_000_000_000_000n,
    gasPriceCap: 2_000_000_000n,
    deadline: 1_800_000_000n,
  };
  const extreme: p.Request = {
    chainId: 2n ** 256n - 1n,
    coordinator: `0x${"ff".repeat(20)}`,
    consumer: `0x${"00".repeat(20)}`,
    requestedAt: 2n ** 40n - 1n,
    nonce: 2 ** 32 - 1,
    context: `0x${"ff".repeat(32)}`,
    payer: account("other payer"),
    refundTo: account("other refundTo"),
    subscriptionId: 2n ** 64n - 1n,
    payloadHash: word("payload"),
    payloadUriHash: p.keccakText("https://example.org/payload"),
    policyId: word("other policy"),
    threshold: 255,
    aggregation: p.Aggregation.medianUnsigned,
    delivery: p.Delivery.pull,
    callbackGasLimit: 2 ** 32 - 1,
    maxOutputBytes: 2 ** 24 - 1,
    fee: 2n ** 96n - 1n,
    gasPriceCap: 2n ** 64n - 1n,
    deadline: 2n ** 40n - 1n,
  };
  return [plain, extreme];
}

export function keyset(): p.Keyset {
  return {
    answerKey: signerAddress(),
    tlsKeyHash: word("tls key"),
    sealingKey: word("sealing key"),
    logKey: word("log key"),
    behaviourDigest: word("behaviour"),
    operatorDigest: word("operator"),
    softwareVersionHash: p.keccakText("adyton 0.1.0"),
    payee: account("payee"),
  };
}

export function signerAddress(): p.Hex {
  const digest = word("any digest");
  return p.recoverSigner(digest, p.signDigest(digest, ANSWER_PRIVATE_KEY));
}

export function answers(): readonly p.Answer[] {
  const request = requests()[0];
  if (request === undefined) throw new Error("no request");
  const base: p.Answer = {
    requestId: p.requestId(request),
    status: p.AnswerStatus.ok,
    outputHash: p.keccakText("Delphi"),
    transcriptRoot: word("transcript"),
    stateBlockHash: word("state block"),
    keysetId: p.keysetId(keyset()),
    answeredAt: 1_799_999_000n,
  };
  return [
    base,
    { ...base, status: p.AnswerStatus.refused, outputHash: p.keccakText("") },
    { ...base, requestId: word("third"), status: p.AnswerStatus.programFailed, answeredAt: 2n ** 40n - 1n },
  ];
}
