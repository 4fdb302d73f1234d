/** Somebody with an admitted enclave who waits until answers are shown, and wants to be paid for them. */

import { request as httpsRequest } from "node:https";
import * as z from "zod";
import { coordinatorInterface } from "../../../oracle/chain/contracts/contracts.ts";
import { decodeCoordinatorLog } from "../../../oracle/chain/abi/coordinator-log.ts";
import {
  encodeCommitQuorum,
  encodeOpenQuorum,
  type SignedLeaf,
} from "../../../oracle/chain/contracts/quorum-call.ts";
import type { SettlingAnswer } from "../../../oracle/chain/contracts/settlement-call.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { AnswerCall, SignedAnswer } from "../../../protocol/enclave-api.ts";
import type { Request } from "../../../protocol/request.ts";
import { CALLER_TOKEN, type StandInEnclave } from "../../oracle/support/stand-in-enclave.ts";
import type { TestChain } from "../../oracle/support/test-chain.ts";

export interface CopiedAnswer {
  readonly request: Request;
  readonly leaf: SignedLeaf;
  readonly opening: SettlingAnswer;
}

/** Asks the copier's own enclave, which says what it read on chain. */
export async function copyAnswer(
  chain: TestChain,
  enclave: StandInEnclave,
  requestId: Hex,
): Promise<CopiedAnswer> {
  const [event] = await chain.coordinator.queryFilter(chain.coordinator.filters.Requested(requestId), 0);
  if (event === undefined) throw new Error("no such request");
  const block = await event.getBlock();
  const decoded = decodeCoordinatorLog(
    {
      address: event.address.toLowerCase() as Hex,
      topics: [...event.topics] as Hex[],
      data: event.data as Hex,
      blockNumber: event.blockNumber,
      blockHash: event.blockHash as Hex,
      transactionHash: event.transactionHash as Hex,
      logIndex: event.index,
    },
    BigInt(chain.chainId),
  );
  if (decoded?.kind !== "requested") throw new Error("no request in its event");
  const { request, payload } = decoded;
  const stateBlock = { number: BigInt(block.number), hash: block.hash as Hex };
  const signed = SignedAnswer.parse(
    JSON.parse(await post(enclave, z.encode(AnswerCall, { request, payload, stateBlock }))),
  );
  if (signed.quorumLeaf === null) throw new Error("it signed no leaf");
  const { answer, output, quorumLeaf } = signed;
  return {
    request,
    leaf: { leaf: quorumLeaf.leaf, keysetId: answer.keysetId, signature: quorumLeaf.signature },
    opening: { answer, output, stateBlockNumber: stateBlock.number },
  };
}

/** What the coordinator says to each way of taking part now: the name of its error, or "taken". */
export async function tryToJoin(chain: TestChain, copied: CopiedAnswer): Promise<readonly string[]> {
  const { request, leaf, opening } = copied;
  return [
    await errorOf(chain, encodeCommitQuorum(request, [leaf])),
    await errorOf(chain, encodeOpenQuorum(request, [opening])),
  ];
}

async function errorOf(chain: TestChain, data: Hex): Promise<string> {
  const from = await chain.asker.getAddress();
  try {
    await chain.provider.call({ from, to: await chain.coordinator.getAddress(), data });
    return "taken";
  } catch (error) {
    const reason = (error as { readonly data?: string }).data ?? "0x";
    return coordinatorInterface.parseError(reason)?.name ?? "unknown";
  }
}

function post(enclave: StandInEnclave, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = httpsRequest(
      new URL("/v1/answers", enclave.url),
      {
        method: "POST",
        // The test made this enclave itself.
        rejectUnauthorized: false,
        headers: { authorization: `Bearer ${CALLER_TOKEN}`, "content-type": "application/json" },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => {
          resolve(text);
        });
      },
    );
    call.once("error", reject);
    call.end(JSON.stringify(body));
  });
}
