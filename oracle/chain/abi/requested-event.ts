import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { Request } from "../../../protocol/request.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import type { AbiWords } from "./abi-words.ts";
import type { Log } from "../rpc/block.ts";
import type { RequestedEvent } from "./events.ts";
import { PackedWord } from "./packed-word.ts";

const ZERO_32: Hex = `0x${"00".repeat(32)}`;

type ReadRequest = Pick<RequestedEvent, "request" | "payload" | "payloadUri">;

/** `Requested(requestId, consumer, policyId indexed, payerAndFee, refundAndGas, rest, context, payload)` */
export function readRequested(log: Log, words: AbiWords, chainId: bigint): ReadRequest {
  const payload = words.bytes(4);
  const hashes = { payloadHash: keccak(fromHex(payload)), payloadUriHash: ZERO_32 };
  return { request: toRequest(log, words, { chainId, ...hashes }), payload, payloadUri: "" };
}

/** `RequestedByUri(requestId, consumer, policyId indexed, payerAndFee, refundAndGas, rest, context, payloadHash, payloadUri)` */
export function readRequestedByUri(log: Log, words: AbiWords, chainId: bigint): ReadRequest {
  const hashes = { payloadHash: words.word(4), payloadUriHash: keccak(fromHex(words.bytes(5))) };
  return { request: toRequest(log, words, { chainId, ...hashes }), payload: "0x", payloadUri: words.text(5) };
}

/**
 * The event names what the contract was told; chain, contract and hashes of what it carries follow from elsewhere. The
 * protocol's own schema takes the fields, and refuses what does not fit them.
 */
function toRequest(
  log: Log,
  words: AbiWords,
  known: { readonly chainId: bigint; readonly payloadHash: Hex; readonly payloadUriHash: Hex },
): Request {
  const payerAndFee = new PackedWord(words.word(0));
  const refundAndGas = new PackedWord(words.word(1));
  const rest = new PackedWord(words.word(2), 32);
  return Request.parse({
    chainId: known.chainId.toString(),
    coordinator: log.address,
    payer: payerAndFee.address(),
    fee: payerAndFee.uint(96).toString(),
    refundTo: refundAndGas.address(),
    gasPriceCap: refundAndGas.uint(64).toString(),
    callbackGasLimit: refundAndGas.number(32),
    subscriptionId: rest.uint(64).toString(),
    deadline: rest.uint(40).toString(),
    requestedAt: rest.uint(40).toString(),
    nonce: rest.number(32),
    maxOutputBytes: rest.number(24),
    threshold: rest.number(8),
    aggregation: rest.number(8),
    delivery: rest.number(8),
    consumer: addressTopic(log, 2),
    policyId: topic(log, 3),
    context: words.word(3),
    payloadHash: known.payloadHash,
    payloadUriHash: known.payloadUriHash,
  });
}

function topic(log: Log, index: number): Hex {
  const found = log.topics[index];
  if (found === undefined) throw new RangeError("the event has too few topics");
  return found;
}

function addressTopic(log: Log, index: number): Hex {
  const word = new PackedWord(topic(log, index), 96);
  return word.address();
}
