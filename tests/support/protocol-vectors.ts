/** The protocol's vectors, computed: what tests/vectors/protocol/*.json must hold. */

import * as z from "zod";
import * as p from "../../protocol/index.ts";
import { agentCallVectors, agentRunVectors } from "./agent-vectors.ts";
import { functionsVectors } from "./functions-vectors.ts";
import { packedVectors } from "./packed-vectors.ts";
import { encodePrompt, promptVectors } from "./prompt-vectors.ts";
import { answers, keyset, requests, signerAddress } from "./vector-parts.ts";
import { account, ANSWER_PRIVATE_KEY, word } from "./vector-words.ts";

/** Every file's content by its name. */
export function protocolVectors(): Record<string, unknown> {
  const coordinator = account("coordinator");
  const domain = p.onChainDomain(31_337n, coordinator);
  const leaves = answers().map((answer) => p.batchLeaf(p.answerStructHash(answer)));
  const tree = p.createBatchTree(leaves);
  const batchDigest = p.batchDigest(domain, tree.root, tree.count);
  const claims = { nonce: word("nonce"), keysetId: p.keysetId(keyset()), tlsKeyHash: keyset().tlsKeyHash };
  const claimsBytes = p.encodeClaims(claims);
  const admission = {
    chainId: 31_337n,
    registry: account("registry"),
    blockNumber: 1_234n,
    blockHash: word("block"),
  };
  return {
    request: {
      typehash: p.REQUEST_TYPEHASH,
      cases: requests().map((request) => ({
        request: z.encode(p.Request, request),
        requestId: p.requestId(request),
      })),
    },
    prompt: promptVectors(),
    output: { cases: outputCases() },
    answer: {
      typehash: p.ANSWER_TYPEHASH,
      domain: z.encode(p.OnChainDomain, domain),
      domainSeparator: p.domainSeparator(domain),
      offChainDomainSeparator: p.domainSeparator(p.offChainDomain()),
      privateKey: p.toHex(ANSWER_PRIVATE_KEY),
      signer: signerAddress(),
      cases: answers().map((answer) => ({
        answer: z.encode(p.Answer, answer),
        structHash: p.answerStructHash(answer),
        digest: p.answerDigest(domain, answer),
        signature: p.signDigest(p.answerDigest(domain, answer), ANSWER_PRIVATE_KEY),
        offChainDigest: p.answerDigest(p.offChainDomain(), answer),
      })),
    },
    batch: {
      typehash: p.ANSWER_BATCH_TYPEHASH,
      root: tree.root,
      count: tree.count,
      digest: batchDigest,
      signature: p.signDigest(batchDigest, ANSWER_PRIVATE_KEY),
      leaves: leaves.map((leaf) => ({ leaf, proof: tree.proofOf(leaf) })),
    },
    "quorum-leaf": {
      typehash: p.QUORUM_LEAF_TYPEHASH,
      cases: answers().map((answer) => {
        const leaf = p.quorumLeafOf(answer);
        const digest = p.quorumLeafDigest(domain, leaf);
        return { ...leaf, digest, signature: p.signDigest(digest, ANSWER_PRIVATE_KEY) };
      }),
    },
    "agent-run": agentRunVectors(),
    "agent-call": agentCallVectors(),
    packed: packedVectors(),
    keyset: { typehash: p.KEYSET_TYPEHASH, keyset: keyset(), keysetId: p.keysetId(keyset()) },
    claims: {
      ...claims,
      claims: p.toHex(claimsBytes),
      reportData: p.toHex(p.claimsReportData(claimsBytes)),
      admission: {
        typehash: p.ADMISSION_TYPEHASH,
        chainId: admission.chainId.toString(),
        registry: admission.registry,
        blockNumber: admission.blockNumber.toString(),
        blockHash: admission.blockHash,
        nonce: p.admissionNonce(admission),
      },
    },
    transcript: transcriptVector(),
    functions: functionsVectors({
      policyId: word("policy"),
      consumer: account("consumer"),
      payload: encodePrompt("moderation"),
      transcriptRoot: word("transcript"),
      keysetId: p.keysetId(keyset()),
      privateKey: ANSWER_PRIVATE_KEY,
    }),
  };
}

function outputCases(): readonly unknown[] {
  const cases: readonly (readonly [string, readonly p.OutputValue[]])[] = [
    ["(bool flagged, uint8 severity 0..10, string reason)", [true, 7n, "threat"]],
    ["(uint256 most, int256 least)", [2n ** 256n - 1n, -(2n ** 255n)]],
    ["(ufixed64x2 odds 0..1, fixed256x18 change, string<=6 note)", [75n, -(10n ** 18n), "Delphi"]],
    ["(bytes4 selector, bytes data, address who)", ["0x01020304", "0x", account("who")]],
    [
      "(int8[] scores -5..5, (bool yes, string[2] names)[] pairs)",
      [[-5n, 0n, 5n], [{ yes: false, names: ["a", ""] }]],
    ],
  ];
  return cases.map(([type, values]) => {
    const parsed = p.parseOutputType(type);
    return {
      type,
      solidityTypes: p.solidityTypes(parsed),
      values: JSON.parse(
        JSON.stringify(values, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
      ) as unknown,
      output: p.toHex(p.encodeOutput(parsed, values)),
    };
  });
}

function transcriptVector(): unknown {
  const transcript: p.Transcript = [
    {
      salt: word("salt 0"),
      event: {
        type: "request.received",
        domain: p.ON_CHAIN_DOMAIN_NAME,
        requestId: word("request"),
        payloadHash: word("payload"),
        context: word("context"),
        stateBlock: { number: "1234", hash: word("state block") },
        evidenceHash: word("evidence"),
        time: 1_799_999_000,
        clock: { source: "build", lowerBound: 1_799_000_000 },
      },
    },
    { leafHash: word("withheld") },
    {
      salt: word("salt 2"),
      event: {
        type: "output.returned",
        status: 1,
        outputHash: p.keccakText("Delphi"),
        outputBytes: 6,
        reason: null,
      },
    },
  ];
  return {
    transcript,
    leafHashes: transcript.map((leaf) => p.toHex(p.transcriptLeafHash(leaf))),
    root: p.transcriptRoot(transcript),
  };
}
