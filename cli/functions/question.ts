/** The output of the commands of Functions about an answer, and where an output comes from that travelled by its hash. */

import type { JsonRpcProvider } from "ethers";
import * as z from "zod";
import { answerStatusName, AnswerStatus, type AnswerStatusName } from "../../protocol/answer.ts";
import { fromHex, fromUtf8, isHex, type Hex } from "../../protocol/bytes.ts";
import { SignedAnswer, type SignedAnswerWire } from "../../protocol/enclave-api.ts";
import { EvidenceError, UpstreamError } from "../../protocol/errors.ts";
import { decodeFunctionsAnswer, type FunctionsAnswer } from "../../protocol/functions-answer.ts";
import { decodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { FunctionsFile } from "./functions-file.ts";

const FETCH_MS = 10_000;

export interface DescribedAnswer {
  readonly status: AnswerStatusName;
  /** Text, or the values by name; null unless the status is ok. */
  readonly answer: OutputValue | null;
  readonly signer: Hex;
  readonly keysetId: Hex;
  /** Whether the 256 bytes held the output, or only its hash. */
  readonly inline: boolean;
}

export function describeFunctionsAnswer(
  verified: FunctionsAnswer & { readonly signer: Hex },
  output: Uint8Array,
  outputType: string | null,
): DescribedAnswer {
  const { answer, signer } = verified;
  return {
    status: answerStatusName(answer.status) ?? "unset",
    answer: answer.status === AnswerStatus.ok ? decodeAnswer(output, outputType) : null,
    signer,
    keysetId: answer.keysetId,
    inline: verified.output !== null,
  };
}

/**
 * The output that `answer` commits to, from the enclave.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH for another output; {UpstreamError} ENCLAVE_UNAVAILABLE
 */
export async function fetchOutput(
  { enclaveUrl, enclaveCredential }: Pick<FunctionsFile, "enclaveUrl" | "enclaveCredential">,
  { requestId, outputHash }: FunctionsAnswer["answer"],
): Promise<Uint8Array> {
  const signed = await fetchAnswer(`${enclaveUrl}/v1/answers/${requestId}`, enclaveCredential);
  const output = fromHex(signed.output);
  if (keccak(output) === outputHash) return output;
  throw new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: "the output that was fetched is not the one that the enclave signed",
  });
}

async function fetchAnswer(url: string, credential: string): Promise<z.output<typeof SignedAnswer>> {
  try {
    const reply = await fetch(url, {
      headers: { authorization: `Bearer ${credential}` },
      redirect: "error",
      signal: AbortSignal.timeout(FETCH_MS),
    });
    if (!reply.ok) throw new Error(`HTTP status ${reply.status}`);
    return z.decode(SignedAnswer, (await reply.json()) as SignedAnswerWire);
  } catch (cause) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "the answer's output cannot be fetched from the enclave",
      cause,
    });
  }
}

/**
 * The block that a response says its answer is bound to, as the chain has it.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH for a block that the chain does not know
 */
export async function readStateBlock(
  provider: JsonRpcProvider,
  requestId: Hex,
  response: Uint8Array,
): Promise<StateBlock> {
  const { stateBlockNumber: number } = decodeFunctionsAnswer(requestId, response);
  const hash = (await provider.getBlock(number))?.hash;
  if (!isHex(hash)) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: `the answer is bound to block ${number}, which the chain does not know`,
    });
  }
  return { number, hash };
}

function decodeAnswer(output: Uint8Array, outputType: string | null): OutputValue {
  if (outputType === null) return fromUtf8(output);
  const type = parseOutputType(outputType);
  const values = decodeOutput(type, output);
  return Object.fromEntries(type.fields.map(({ name }, index) => [name, values[index] ?? ""]));
}
