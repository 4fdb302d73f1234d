/** The protocol's vectors, computed: what tests/vectors/protocol/*.json must hold. */

import * as z from "zod";
import * as p from "../../protocol/index.ts";
import { functionsVectors } from "./functions-vectors.ts";

/** A value that names itself: readable in a diff, different for each label. */
const word = (label: string): p.Hex => p.keccakText(`adyton vector ${label}`);
const account = (label: string): p.Hex => `0x${word(label).slice(-40)}`;

export const ANSWER_PRIVATE_KEY = p.fromHex(word("answer private key"));

export const PROMPTS = {
  text: {
    models: ["openai/gpt-5.1"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Which temple was the oracle's?" }],
    maxOutputTokens: 256,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.text, schema: "", choices: [] },
    parts: [],
  },
  json: {
    models: ["openai/gpt-5.1"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Name the oracle's temple." }],
    maxOutputTokens: 64,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.json, schema: '{"type":"object"}', choices: [] },
    parts: [],
  },
  choice: {
    models: ["anthropic/claude-opus-5"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Allow it?" }],
    maxOutputTokens: 16,
    sampling: p.PROVIDER_DEFAULT_SAMPLING,
    format: { kind: p.OutputKind.choice, schema: "", choices: ["allow", "review", "block"] },
    parts: [],
  },
  moderation: {
    models: ["openai/gpt-5.1", "anthropic/claude-opus-5", "google/gemini-3-pro"],
    panelRule: p.PanelRule.majority,
    panelQuorum: 2,
    messages: [
      { role: p.Role.system, content: "You moderate a forum." },
      { role: p.Role.user, content: 'Über "quotes" and 日本語\n' },
    ],
    maxOutputTokens: 300,
    sampling: { temperatureMilli: 0, topPMilli: 950, seed: 7n, effort: p.Effort.low },
    format: {
      kind: p.OutputKind.abi,
      schema: '(bool flagged, uint8 severity 0..10 "0 harmless, 10 dangerous", string<=200 reason)',
      choices: [],
    },
    parts: [],
  },
  parts: {
    models: ["anthropic/claude-opus-5"],
    panelRule: p.PanelRule.none,
    panelQuorum: 0,
    messages: [{ role: p.Role.user, content: "Is the invoice paid, and is the photo of the goods?" }],
    maxOutputTokens: 2 ** 24 - 1,
    sampling: { temperatureMilli: 2_000, topPMilli: 0, seed: 2n ** 63n - 1n, effort: p.Effort.max },
    format: { kind: p.OutputKind.abi, schema: "(bool paid, ufixed64x2 share 0..1)", choices: [] },
    parts: [
      { kind: p.PartKind.page, url: "https://example.org/orders/17" },
      { kind: p.PartKind.image, mime: p.Mime.webp, hash: word("image"), uri: "ipfs://bafy/photo.webp" },
      {
        kind: p.PartKind.document,
        mime: p.Mime.pdf,
        hash: word("document"),
        uri: "https://example.org/17.pdf",
      },
      {
        kind: p.PartKind.read,
        target: account("token"),
        signature: "balanceOf(address) returns (uint256)",
        arguments: p.toHex(p.addressWord(account("buyer"))),
        label: "the buyer's balance",
      },
    ],
  },
} as const satisfies Record<string, z.input<typeof p.Prompt>>;

function requests(): readonly p.Request[] {
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

function encodePrompt(name: keyof typeof PROMPTS): Uint8Array<ArrayBuffer> {
  return p.encodePayload({ type: p.PayloadType.inference, prompt: p.Prompt.parse(PROMPTS[name]) });
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

function signerAddress(): p.Hex {
  const digest = word("any digest");
  return p.recoverSigner(digest, p.signDigest(digest, ANSWER_PRIVATE_KEY));
}

function answers(): readonly p.Answer[] {
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
    prompt: {
      cases: Object.entries(PROMPTS).map(([name, prompt]) => {
        const payload = encodePrompt(name as keyof typeof PROMPTS);
        return {
          name,
          prompt: {
            ...prompt,
            sampling: { ...prompt.sampling, seed: prompt.sampling.seed.toString() },
            parts: prompt.parts.map(toSolidityPart),
          },
          payload: p.toHex(payload),
          payloadHash: p.payloadHash(payload),
        };
      }),
    },
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

/** Runs of agents, and what an enclave signs of each. */
function agentRunVectors(): unknown {
  const slot: p.AgentRun = {
    chainId: 31_337n,
    account: account("agent account"),
    grantId: word("grant"),
    programHash: word("program"),
    inputHash: p.keccakText(""),
    policyId: word("policy"),
    requestedAt: 1_799_998_800n,
    nonce: 2_999_998n,
    stateBlockHash: word("state block"),
    deadline: 1_799_999_400n,
  };
  const extreme: p.AgentRun = {
    ...slot,
    chainId: 2n ** 256n - 1n,
    account: `0x${"ff".repeat(20)}`,
    inputHash: word("input"),
    requestedAt: 2n ** 40n - 1n,
    nonce: 2n ** 64n - 1n,
    deadline: 2n ** 40n - 1n,
  };
  return {
    typehash: p.AGENT_RUN_TYPEHASH,
    signer: signerAddress(),
    cases: [slot, extreme].map((run) => {
      const domain = p.agentDomain(run.chainId, run.account);
      const [base] = answers();
      if (base === undefined) throw new Error("no answer");
      const answer = { ...base, requestId: p.agentRunId(run), stateBlockHash: run.stateBlockHash };
      const digest = p.answerDigest(domain, answer);
      return {
        run: z.encode(p.AgentRun, run),
        requestId: p.agentRunId(run),
        domainSeparator: p.domainSeparator(domain),
        answerHash: p.answerStructHash(answer),
        digest,
        signature: p.signDigest(digest, ANSWER_PRIVATE_KEY),
      };
    }),
  };
}

/** Payloads that contracts write: a program by its hash, with nothing, less than a word, and more than one of input. */
function agentCallVectors(): unknown {
  const inputs = [
    new Uint8Array(),
    p.toUtf8("{}"),
    p.toUtf8(JSON.stringify({ question: "Which temple?".repeat(5) })),
  ];
  return {
    cases: inputs.map((input, index) => {
      const call = {
        programHash: word("program"),
        program: new Uint8Array(),
        input,
        maxOutputBytes: 1_024 ** index,
      };
      return {
        programHash: call.programHash,
        input: p.toHex(input),
        maxOutputBytes: call.maxOutputBytes,
        payload: p.toHex(p.encodePayload({ type: p.PayloadType.agent, call })),
      };
    }),
  };
}

/** `Part` of the contracts: a type, and the body behind its length. */
function toSolidityPart(part: p.PromptPart): { readonly kind: number; readonly body: p.Hex } {
  return { kind: part.kind, body: p.toHex(p.encodePart(part).subarray(4)) };
}

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

const ZERO: p.Hex = `0x${"00".repeat(32)}`;

/** One item by itself, and a batch of all in the order of its leaves, whose items lean on each other. */
function packedVectors(): unknown {
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
