/** `--rpc URL`: what the chain says of a receipt. It rests on that endpoint's word, and the checks name it. */

import { JsonRpcProvider } from "ethers";
import type { Check, FurtherCheck, VerifiedReceipt } from "../../attestation/index.ts";
import {
  EnclaveRegistry__factory,
  OracleCoordinator__factory,
} from "../../contracts/bindings/factories/index.ts";
import { answerStructHash } from "../../protocol/answer.ts";
import { ChainError, EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import { isAgentRun, isOnChain, type OnChainReceipt } from "../../protocol/receipt.ts";

/** Milliseconds for an endpoint to say which chain it is of. */
const ENDPOINT_TIMEOUT_MS = 10_000;

/**
 * Checks that the receipt's keyset was admitted under the request's policy, that its answer is bound to a block of the chain that is
 * not older than the request's, and that this answer was the one fulfilled, or one of those that a quorum opened.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH when the chain says otherwise
 * @throws {EndorsementError} ENDORSEMENT_MISMATCH when it is another chain, or the receipt is on none
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when it cannot be asked
 */
export function checkOnChain(rpcUrl: string): FurtherCheck {
  return async ({ receipt }: VerifiedReceipt) => {
    if (isAgentRun(receipt))
      throw otherPlace("a run for an account was no request: look for it among the account's RunActed");
    if (!isOnChain(receipt)) throw otherPlace("an off-chain receipt is on no chain");
    await awaitEndpoint(rpcUrl);
    const provider = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 });
    try {
      await checkChainId(provider, receipt);
      return [
        await checkAdmitted(provider, receipt),
        await checkStateBlock(provider, receipt),
        await checkFulfilled(provider, receipt),
      ];
    } catch (error) {
      if (error instanceof EvidenceError || error instanceof EndorsementError) throw error;
      throw unavailable(rpcUrl, error);
    } finally {
      provider.destroy();
    }
  };
}

/** ethers would ask a dead endpoint again and again, for ever. */
async function awaitEndpoint(rpcUrl: string): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  const headers = { "content-type": "application/json" };
  try {
    const signal = AbortSignal.timeout(ENDPOINT_TIMEOUT_MS);
    const response = await fetch(rpcUrl, { method: "POST", headers, body, signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  } catch (cause) {
    throw unavailable(rpcUrl, cause);
  }
}

function unavailable(rpcUrl: string, cause: unknown): ChainError {
  return new ChainError({
    code: "CHAIN_RPC_UNAVAILABLE",
    message: `the chain at ${rpcUrl} cannot be asked about this receipt`,
    details: { check: "chain" },
    cause,
  });
}

async function checkChainId(provider: JsonRpcProvider, { request }: OnChainReceipt): Promise<void> {
  const { chainId } = await provider.getNetwork();
  if (chainId !== request.chainId)
    throw otherPlace(`the endpoint is of chain ${chainId}, the receipt of chain ${request.chainId}`);
}

async function checkAdmitted(provider: JsonRpcProvider, receipt: OnChainReceipt): Promise<Check> {
  const { request, answer, keyset } = receipt;
  const coordinator = OracleCoordinator__factory.connect(request.coordinator, provider);
  const registry = EnclaveRegistry__factory.connect(await coordinator.ENCLAVES(), provider);
  const events = await registry.queryFilter(
    registry.filters.EnclaveAdmitted(request.policyId, answer.keysetId),
  );
  const admitted = events.find(({ args }) => args.keyset.answerKey.toLowerCase() === keyset.answerKey);
  if (admitted === undefined)
    throw mismatch("admission", "the chain has not admitted this keyset under the request's policy");
  return {
    name: "admission",
    ok: true,
    detail: `keyset admitted under policy ${request.policyId} in block ${admitted.blockNumber}`,
  };
}

/** No answer is made before its request: its block is the chain's, and the request's or a later one. */
async function checkStateBlock(
  provider: JsonRpcProvider,
  { request, answer, stateBlock }: OnChainReceipt,
): Promise<Check> {
  const coordinator = OracleCoordinator__factory.connect(request.coordinator, provider);
  const [asked] = [
    ...(await coordinator.queryFilter(coordinator.filters.Requested(answer.requestId))),
    ...(await coordinator.queryFilter(coordinator.filters.RequestedByUri(answer.requestId))),
  ];
  if (asked === undefined) throw mismatch("state block", "the chain knows no such request");
  if (stateBlock.number < BigInt(asked.blockNumber))
    throw mismatch("state block", "the answer is bound to a block older than its request's");
  const block = await provider.getBlock(stateBlock.number);
  if (block?.hash !== answer.stateBlockHash)
    throw mismatch("state block", `block ${stateBlock.number} of the chain has another hash`);
  const detail = `bound to block ${stateBlock.number}; the request is of block ${asked.blockNumber}`;
  return { name: "state block", ok: true, detail };
}

async function checkFulfilled(
  provider: JsonRpcProvider,
  { request, answer }: OnChainReceipt,
): Promise<Check> {
  const coordinator = OracleCoordinator__factory.connect(request.coordinator, provider);
  const [fulfilled] = await coordinator.queryFilter(coordinator.filters.Fulfilled(answer.requestId));
  if (fulfilled === undefined) throw mismatch("fulfilment", "the chain has not fulfilled this request");
  if (request.threshold > 1) {
    const leaf = answerStructHash(answer);
    const opened = await coordinator.queryFilter(coordinator.filters.QuorumOpened(answer.requestId));
    if (!opened.some(({ args }) => args.leaves.includes(leaf)))
      throw mismatch("fulfilment", "the request was fulfilled without this answer");
    const detail = `one of a quorum's answers, transaction ${fulfilled.transactionHash}`;
    return { name: "fulfilment", ok: true, detail };
  }
  const { status, outputHash } = fulfilled.args;
  if (Number(status) !== answer.status || outputHash !== answer.outputHash)
    throw mismatch("fulfilment", "the request was fulfilled with another answer");
  return { name: "fulfilment", ok: true, detail: `transaction ${fulfilled.transactionHash}` };
}

/** It was asked of where it cannot be: that says nothing of the receipt. */
function otherPlace(message: string): EndorsementError {
  return new EndorsementError({
    code: "ENDORSEMENT_MISMATCH",
    message: `--rpc: ${message}`,
    details: { check: "chain" },
  });
}

function mismatch(check: string, message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_BINDING_MISMATCH", message, details: { check } });
}
