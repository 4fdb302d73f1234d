/**
 * The vectors of the road through Chainlink Functions: requests, answers in each form of the response, and the CBOR in which a
 * consumer sends the script.
 */

import { encode } from "cborg";
import * as z from "zod";
import * as p from "../../protocol/index.ts";

const CHAIN_ID = 31_337n;
const STATE_BLOCK: p.StateBlock = { number: 1_234n, hash: p.keccakText("adyton vector state block") };

export interface FunctionsVectorParts {
  readonly policyId: p.Hex;
  readonly consumer: p.Hex;
  readonly payload: Uint8Array;
  readonly transcriptRoot: p.Hex;
  readonly keysetId: p.Hex;
  readonly privateKey: Uint8Array;
}

const moderation = p.parseOutputType("(bool flagged, uint8 severity, string reason)");
const words = p.parseOutputType("(int256 a, uint256 b, bytes32 c, bytes4 d)");
const MOST = 2n ** 256n - 1n;

const OUTPUTS: readonly (readonly [string, number, Uint8Array])[] = [
  ["a short text, inline", p.AnswerStatus.ok, p.toUtf8("Delphi")],
  ["114 bytes, the longest inline", p.AnswerStatus.ok, p.toUtf8("d".repeat(114))],
  ["115 bytes, by hash", p.AnswerStatus.ok, p.toUtf8("d".repeat(115))],
  [
    "a moderation of 192 bytes, packed",
    p.AnswerStatus.ok,
    p.encodeOutput(moderation, [true, 7n, "A threat of violence against a person"]),
  ],
  [
    "a reason too long to pack, by hash",
    p.AnswerStatus.ok,
    p.encodeOutput(moderation, [true, 7n, "x".repeat(130)]),
  ],
  [
    "words padded on either side, packed",
    p.AnswerStatus.ok,
    p.encodeOutput(words, [-(2n ** 255n), 1n, `0x00${"ab".repeat(31)}`, "0xa1b2c300"]),
  ],
  [
    "four full words, by hash",
    p.AnswerStatus.ok,
    p.encodeOutput(words, [-1n, MOST, `0x${"ff".repeat(32)}`, "0x00000001"]),
  ],
  ["no output", p.AnswerStatus.refused, new Uint8Array()],
  ["a program that failed", p.AnswerStatus.programFailed, new Uint8Array()],
];

export interface FunctionsCborCase {
  readonly source: string;
  /** 0 none, 1 encrypted URLs, 2 on the nodes */
  readonly secretsLocation: number;
  readonly secrets: p.Hex;
  readonly argument: p.Hex;
}

/** Lengths on either side of each head that CBOR has for them (RFC 8949 §3). */
const CBOR_CASES: readonly FunctionsCborCase[] = [
  { source: "return 1", secretsLocation: 0, secrets: "0x", argument: "0x01" },
  {
    source: "s".repeat(23),
    secretsLocation: 2,
    secrets: `0x${"5e".repeat(24)}`,
    argument: `0x${"a0".repeat(255)}`,
  },
  {
    source: "s".repeat(256),
    secretsLocation: 1,
    secrets: `0x${"5e".repeat(256)}`,
    argument: `0x${"a0".repeat(300)}`,
  },
];

/** What the toolkit's `buildRequestCBOR` builds; tests/oracle/functions compares the two. */
function encodeFunctionsCbor({ source, secretsLocation, secrets, argument }: FunctionsCborCase): p.Hex {
  const withSecrets = { secrets: p.fromHex(secrets), secretsLocation };
  return p.toHex(
    encode({
      source,
      codeLocation: 0,
      codeLanguage: 0,
      bytesArgs: [p.fromHex(argument)],
      ...(secretsLocation === 0 ? {} : withSecrets),
    }),
  );
}

export function functionsVectors(parts: FunctionsVectorParts): unknown {
  const domain = p.functionsDomain(CHAIN_ID, parts.consumer);
  return {
    requestTypehash: p.FUNCTIONS_REQUEST_TYPEHASH,
    domain: z.encode(p.FunctionsDomain, domain),
    domainSeparator: p.domainSeparator(domain),
    payload: p.toHex(parts.payload),
    cbor: CBOR_CASES.map((parts) => ({ ...parts, cbor: encodeFunctionsCbor(parts) })),
    cases: OUTPUTS.map(([name, status, output], index) => {
      const request: p.FunctionsRequest = {
        chainId: CHAIN_ID,
        consumer: parts.consumer,
        requestedAt: 1_799_998_800n,
        requestBlock: 1_200n,
        nonce: index,
        context: p.keccakText(`context ${index}`),
        payloadHash: p.payloadHash(parts.payload),
        policyId: parts.policyId,
        maxOutputBytes: 1_024,
        deadline: 1_800_000_000n,
      };
      const answer: p.Answer = {
        requestId: p.functionsRequestId(request),
        status,
        outputHash: p.keccak(output),
        transcriptRoot: parts.transcriptRoot,
        stateBlockHash: STATE_BLOCK.hash,
        keysetId: parts.keysetId,
        answeredAt: 1_799_999_000n + BigInt(index),
      };
      const digest = p.answerDigest(domain, answer);
      const signature = p.signDigest(digest, parts.privateKey);
      const response = p.encodeFunctionsAnswer({
        answer,
        signature,
        stateBlockNumber: STATE_BLOCK.number,
        output,
      });
      return {
        name,
        request: z.encode(p.FunctionsRequest, request),
        requestId: answer.requestId,
        call: p.toHex(p.encodeFunctionsCall({ request, payload: parts.payload })),
        answer: z.encode(p.Answer, answer),
        digest,
        signature,
        output: p.toHex(output),
        isInline: p.decodeFunctionsAnswer(answer.requestId, response).output !== null,
        stateBlockNumber: STATE_BLOCK.number.toString(),
        response: p.toHex(response),
      };
    }),
  };
}
