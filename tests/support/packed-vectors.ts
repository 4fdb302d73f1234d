/** The vectors of packed settlements. */

import * as z from "zod";
import * as p from "../../protocol/index.ts";
import { answers, requests } from "./vector-parts.ts";
import { account, word } from "./vector-words.ts";

const ZERO: p.Hex = `0x${"00".repeat(32)}`;

/** Settlements that share nothing, then all, then some of their words; each delivery, each optional field. */
function settlements(): readonly p.PackedSettlement[] {
  const [plain, extreme] = requests();
  const [base] = answers();
  if (plain === undefined || extreme === undefined || base === undefined) throw new Error("no request");
  const settle = (
    request: p.Request,
    stateBlockNumber: bigint,
    output: Uint8Array | null,
  ): p.PackedSettlement => ({
    request,
    answer: {
      ...base,
      requestId: p.requestId(request),
      outputHash: output === null ? base.outputHash : p.keccak(output),
    },
    stateBlockNumber,
    output,
  });
  const otherPayer = { ...plain, nonce: 1, payer: account("other payer"), fee: 7n };
  const otherPolicy = { ...otherPayer, nonce: 2, policyId: word("other policy"), context: ZERO };
  const withUri = { ...otherPolicy, nonce: 3, payloadUriHash: p.keccakText("https://example.org/payload") };
  return [
    settle(plain, 1_234n, p.toUtf8("Delphi")),
    settle({ ...plain, requestedAt: plain.requestedAt + 1n }, 1_235n, p.toUtf8("Dodona")),
    // Whoever pays is whoever is refunded: the usual case.
    settle({ ...plain, nonce: 4, refundTo: plain.payer }, 1_238n, p.toUtf8("Didyma")),
    // A block that the chain knows no longer.
    { ...settle(otherPayer, 1_236n, new Uint8Array()), bringsStateBlockHash: true },
    settle({ ...otherPolicy, delivery: p.Delivery.hash }, 1_237n, null),
    settle({ ...withUri, delivery: p.Delivery.pull }, 2n ** 48n - 1n, null),
    settle(
      { ...extreme, chainId: plain.chainId, coordinator: plain.coordinator },
      0n,
      p.toUtf8("d".repeat(300)),
    ),
  ];
}

/** One item by itself, and a batch of all in the order of its leaves, whose items lean on each other. */
export function packedVectors(): unknown {
  const leafOf = ({ answer }: p.PackedSettlement): p.Hex => p.batchLeaf(p.answerStructHash(answer));
  const sorted = [...settlements()].sort((a, b) => (leafOf(a) < leafOf(b) ? -1 : 1));
  return {
    cases: sorted.map((settlement, index) => ({
      request: z.encode(p.Request, settlement.request),
      answer: z.encode(p.Answer, settlement.answer),
      stateBlockNumber: settlement.stateBlockNumber.toString(),
      bringsStateBlockHash: settlement.bringsStateBlockHash ?? false,
      hasOutput: settlement.output !== null,
      output: p.toHex(settlement.output ?? new Uint8Array()),
      leaf: leafOf(settlement),
      item: p.toHex(p.encodePackedItem(settlement, null)),
      itemInBatch: p.toHex(p.encodePackedItem(settlement, sorted[index - 1] ?? null)),
    })),
    items: p.toHex(p.encodePackedBatch(settlements())),
  };
}
