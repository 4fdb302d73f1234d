/** fast-check arbitraries for the protocol's structs: every value that the schemas accept, edges included. */

import fc from "fast-check";
import * as p from "../../protocol/index.ts";

export const hexOf = (length: number): fc.Arbitrary<p.Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(p.toHex);
export const bytes32 = hexOf(32);
export const address = hexOf(20);

const uint = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** Any text that survives its journey through bytes (docs/reference/protocol.md, Prompt). */
export const plainText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: "binary", maxLength }).filter(p.isPlainText);

export const request: fc.Arbitrary<p.Request> = fc.record({
  chainId: uint(256),
  coordinator: address,
  consumer: address,
  nonce: uint(256),
  payer: address,
  refundTo: address,
  subscriptionId: uint(64),
  payloadHash: bytes32,
  payloadUriHash: bytes32,
  policyId: bytes32,
  policyVersion: uint32,
  threshold: fc.integer({ min: 1, max: 255 }),
  aggregation: fc.integer({ min: 0, max: 2 }),
  delivery: fc.integer({ min: 0, max: 2 }),
  callbackGasLimit: uint32,
  maxOutputBytes: uint32,
  fee: uint(128),
  gasPriceCap: uint(64),
  deadline: uint(64),
});

export const answer: fc.Arbitrary<p.Answer> = fc.record({
  requestId: bytes32,
  status: fc.integer({ min: 1, max: 7 }),
  outputHash: bytes32,
  transcriptRoot: bytes32,
  stateBlockHash: bytes32,
  keysetId: bytes32,
  answeredAt: uint(64),
});

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
    .constantFrom("(bool yes)", '( int8[2] a -1..1 , string b"why" )', "((uint256 x)[] inner)")
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

export const prompt: fc.Arbitrary<p.Prompt> = fc
  .tuple(
    models,
    fc.array(
      fc.record({ role: fc.constantFrom(1 as const, 2 as const, 3 as const), content: plainText(200) }),
      { minLength: 1, maxLength: 6 },
    ),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    fc.record({
      temperatureMilli: fc.integer({ min: -1, max: 2_000 }),
      topPMilli: fc.integer({ min: -1, max: 1_000 }),
      seed: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
      effort: fc.integer({ min: 0, max: 4 }),
    }),
    format,
  )
  .map(([panel, messages, maxOutputTokens, sampling, outputFormat]) => ({
    ...panel,
    messages,
    maxOutputTokens,
    sampling,
    format: outputFormat,
  }));

export const jsonValue: fc.Arbitrary<p.Json> = fc
  .jsonValue({ maxDepth: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as p.Json)
  .filter((value) => JSON.stringify(value).isWellFormed());
