/** fast-check arbitraries for the protocol's structs: every value that the schemas accept, edges included. */

import fc from "fast-check";
import * as p from "../../protocol/index.ts";

export const hexOf = (length: number): fc.Arbitrary<p.Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(p.toHex);
export const bytes32 = hexOf(32);
export const address = hexOf(20);

const uint = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint24 = fc.integer({ min: 0, max: 2 ** 24 - 1 });

/** Any text that survives its journey through bytes (docs/reference/protocol.md, Prompt). */
export const plainText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: "binary", maxLength }).filter(p.isPlainText);

export const request: fc.Arbitrary<p.Request> = fc.record({
  chainId: uint(256),
  coordinator: address,
  consumer: address,
  requestedAt: uint(40),
  nonce: uint32,
  context: bytes32,
  payer: address,
  refundTo: address,
  subscriptionId: uint(64),
  payloadHash: bytes32,
  payloadUriHash: bytes32,
  policyId: bytes32,
  threshold: fc.integer({ min: 1, max: 255 }),
  aggregation: fc.integer({ min: 0, max: 3 }),
  delivery: fc.integer({ min: 0, max: 2 }),
  callbackGasLimit: uint32,
  maxOutputBytes: uint24,
  fee: uint(96),
  gasPriceCap: uint(64),
  deadline: uint(40),
});

export const functionsRequest: fc.Arbitrary<p.FunctionsRequest> = fc.record({
  chainId: uint(256),
  consumer: address,
  requestedAt: uint(40),
  requestBlock: uint(64),
  nonce: uint32,
  context: bytes32,
  payloadHash: bytes32,
  policyId: bytes32,
  maxOutputBytes: uint24,
  deadline: uint(40),
});

export const agentRun: fc.Arbitrary<p.AgentRun> = fc.record({
  chainId: uint(256),
  account: address,
  grantId: bytes32,
  programHash: bytes32,
  inputHash: bytes32,
  policyId: bytes32,
  requestedAt: uint(40),
  nonce: uint(64),
  stateBlockHash: bytes32,
  deadline: uint(40),
});

export const answer: fc.Arbitrary<p.Answer> = fc.record({
  requestId: bytes32,
  status: fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 9),
  outputHash: bytes32,
  transcriptRoot: bytes32,
  stateBlockHash: bytes32,
  keysetId: bytes32,
  answeredAt: uint(40),
});

/** What fits a settlement together: an answer to this request, with its output or the hash alone. */
export const packedSettlement: fc.Arbitrary<p.PackedSettlement> = fc
  .record({
    request,
    answer,
    stateBlockNumber: uint(48),
    bringsStateBlockHash: fc.boolean(),
    output: fc.option(fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes))),
    plain: fc.boolean(),
  })
  .map(({ plain, output, ...rest }) => ({
    ...rest,
    output,
    request: plain
      ? { ...rest.request, context: p.NO_STATE_BLOCK, payloadUriHash: p.NO_STATE_BLOCK }
      : rest.request,
    answer: output === null ? rest.answer : { ...rest.answer, outputHash: p.keccak(output) },
  }));

export const keyset: fc.Arbitrary<p.Keyset> = fc.record({
  answerKey: address,
  tlsKeyHash: bytes32,
  sealingKey: bytes32,
  logKey: bytes32,
  behaviourDigest: bytes32,
  operatorDigest: bytes32,
  softwareVersionHash: bytes32,
  payee: address,
});

export const onChainDomain: fc.Arbitrary<p.OnChainDomain> = fc
  .tuple(uint(256), address)
  .map(([chainId, coordinator]) => p.onChainDomain(chainId, coordinator));

const modelName = fc.constantFrom("openai/gpt-5.1", "anthropic/claude-opus-5", "local/org/model:7b@q4");

const format = fc.oneof(
  fc.constant<p.OutputFormat>({ kind: p.OutputKind.text, schema: "" as const, choices: [] }),
  fc.dictionary(plainText(8), fc.integer()).map((schema): p.OutputFormat => ({
    kind: p.OutputKind.json,
    schema: JSON.stringify(schema),
    choices: [],
  })),
  fc
    .uniqueArray(
      plainText(20).filter((name) => name !== ""),
      { minLength: 2, maxLength: 8 },
    )
    .map((choices): p.OutputFormat => ({ kind: p.OutputKind.choice, schema: "", choices })),
  fc
    .constantFrom(
      "(bool yes)",
      '( int8[2] a -1..1 , string<=9 b"why" )',
      "((uint256 x)[] inner)",
      "(ufixed64x2 odds 0..1)",
    )
    .map((schema): p.OutputFormat => ({
      kind: p.OutputKind.abi,
      schema,
      choices: [],
    })),
);

const models = fc.oneof(
  modelName.map((name) => ({ models: [name], panelRule: 0, panelQuorum: 0 })),
  fc
    .tuple(fc.array(modelName, { minLength: 2, maxLength: 7 }), fc.integer({ min: 1, max: 3 }), fc.nat())
    .map(([names, panelRule, seed]) => ({
      models: names,
      panelRule,
      panelQuorum: 1 + (seed % names.length),
    })),
);

const shortText = plainText(40).filter((text) => text !== "");

const part: fc.Arbitrary<p.PromptPart> = fc.oneof(
  fc.record({ kind: fc.constant(p.PartKind.page), url: shortText }),
  fc.record({
    kind: fc.constant(p.PartKind.image),
    mime: fc.constantFrom(p.Mime.png, p.Mime.jpeg, p.Mime.webp),
    hash: bytes32,
    uri: shortText,
  }),
  fc.record({
    kind: fc.constant(p.PartKind.document),
    mime: fc.constant(p.Mime.pdf),
    hash: bytes32,
    uri: shortText,
  }),
  fc.record({
    kind: fc.constant(p.PartKind.read),
    target: address,
    signature: shortText,
    arguments: fc.uint8Array({ maxLength: 70 }).map(p.toHex),
    label: shortText,
  }),
);

export const prompt: fc.Arbitrary<p.Prompt> = fc
  .tuple(
    models,
    fc.array(
      fc.record({ role: fc.constantFrom(1 as const, 2 as const, 3 as const), content: plainText(200) }),
      { minLength: 1, maxLength: 6 },
    ),
    fc.integer({ min: 1, max: 2 ** 24 - 1 }),
    fc.record({
      temperatureMilli: fc.integer({ min: -1, max: 2_000 }),
      topPMilli: fc.integer({ min: -1, max: 1_000 }),
      seed: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
      effort: fc.integer({ min: 0, max: 6 }),
    }),
    format,
    fc.array(part, { maxLength: 4 }),
  )
  .map(([panel, messages, maxOutputTokens, sampling, outputFormat, parts]) => ({
    ...panel,
    messages,
    maxOutputTokens,
    sampling,
    format: outputFormat,
    parts,
  }));

export const jsonValue: fc.Arbitrary<p.Json> = fc
  .jsonValue({ maxDepth: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as p.Json)
  .filter((value) => JSON.stringify(value).isWellFormed());
