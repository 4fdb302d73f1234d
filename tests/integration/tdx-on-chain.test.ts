/**
 * Real TDX quotes through `TdxVerifier` on a chain, each at a time when it was good: the contract returns what the quote
 * says, refuses it with any bit of it changed, and refuses TDs that can be moved, profiled or robbed of pages. The quotes are
 * not in this repository (docs/reference/vectors.md).
 */

import {
  AbiCoder,
  ContractFactory,
  JsonRpcProvider,
  ZeroAddress,
  ZeroHash,
  isCallException,
  keccak256,
  type BytesLike,
} from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INTEL_ON_CHAIN_ROOT } from "../../attestation/onchain/root.ts";
import { encodeTdxEvidence } from "../../attestation/onchain/tdx-evidence.ts";
import { parseQuote } from "../../attestation/intel/quote.ts";
import { EnclaveRegistry__factory, TdxVerifier__factory } from "../../contracts/bindings/index.ts";
import { toHex } from "../../protocol/bytes.ts";
import { startAnvil, type Anvil } from "../../devnet/anvil.ts";
import { HAS_VECTORS, MANIFEST, readVector, type VectorEntry } from "../support/vectors/manifest.ts";

const DAY_SECONDS = 86_400;
/** Bits flipped in each quote: spread over all of its evidence by a prime stride. */
const FLIPS = 40;
const STRIDE = 7919;

/** Kinds of rules (`PolicyRules`). */
const TD_ATTRIBUTES = 10;
const VALIDITY_SECONDS = 192;

interface Claims {
  readonly body: string;
  readonly fmspc: string;
}

const quotes = MANIFEST.vectors.filter(
  ({ kind, signatures }) => kind.startsWith("tdx-v") && signatures?.["intelRoot"] === true,
);

let anvil: Anvil;
let provider: JsonRpcProvider;
let verifier: string;
/** Names exactly the attributes of each quote that needs a rule for them. */
let permissivePolicy: string;
const codec = TdxVerifier__factory.createInterface();

beforeAll(async () => {
  if (!HAS_VECTORS) return;
  anvil = await startAnvil();
  provider = new JsonRpcProvider(anvil.url, undefined, { cacheTimeout: -1, staticNetwork: true });
  const signer = await provider.getSigner(0);
  const registry = await new EnclaveRegistry__factory(signer).deploy(ZeroAddress, 256);
  const { x, y, name } = INTEL_ON_CHAIN_ROOT;
  const deployed = await new ContractFactory(codec, TdxVerifier__factory.bytecode, signer).deploy(
    await registry.getAddress(),
    x,
    y,
    name,
  );
  await deployed.waitForDeployment();
  verifier = await deployed.getAddress();
  const rules = [
    { kind: VALIDITY_SECONDS, subject: ZeroHash, value: `0x${DAY_SECONDS.toString(16).padStart(64, "0")}` },
  ];
  const named = new Set(quotes.map((entry) => toHex(bodyOf(entry).subarray(120, 128)).padEnd(66, "0")));
  for (const subject of named)
    rules.push({ kind: TD_ATTRIBUTES, subject, value: `0x${"1".padStart(64, "0")}` });
  await (await registry.create(ZeroHash, ZeroAddress, 0, 0, rules)).wait();
  const { chainId } = await provider.getNetwork();
  permissivePolicy = keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["uint256", "address", "address", "bytes32"],
      [chainId, await registry.getAddress(), await signer.getAddress(), ZeroHash],
    ),
  );
});

afterAll(async () => {
  if (!HAS_VECTORS) return;
  provider.destroy();
  await anvil.stop();
});

/** A time within all the certificates' dates. */
function goodTime({ checks, pckValid }: VectorEntry): number {
  const checked = checks?.[0]?.time;
  return (
    Math.floor(Date.parse(checked ?? pckValid?.[0] ?? "") / 1000) + (checked === undefined ? DAY_SECONDS : 0)
  );
}

async function verifyOnChain(evidence: Uint8Array, time: number): Promise<BytesLike> {
  return await callAt(codec.encodeFunctionData("verifyQuote", [evidence]), time);
}

async function callAt(data: string, time: number): Promise<BytesLike> {
  const call = [{ to: verifier, data }, "latest", {}, { time: `0x${time.toString(16)}` }];
  return (await provider.send("eth_call", call)) as BytesLike;
}

test.skipIf(HAS_VECTORS)(
  "SKIPPED: no folder of real evidence (ADYTON_VECTORS), so no real TDX quote was verified on chain",
  () => {
    expect(HAS_VECTORS).toBe(false);
  },
);

describe.skipIf(!HAS_VECTORS)("verifies on chain", () => {
  test("quotes of both versions", () => {
    expect(new Set(quotes.map(({ kind }) => kind))).toEqual(new Set(["tdx-v4", "tdx-v5"]));
  });

  test.for(quotes.map((entry) => ({ name: `${entry.kind} ${entry.id}`, entry })))(
    "$name",
    async ({ entry }) => {
      const bytes = readVector(entry);
      const evidence = encodeTdxEvidence(bytes, { intermediate: "include" });
      const time = goodTime(entry);
      const answer = await verifyOnChain(evidence, time);
      const claims = codec.decodeFunctionResult("verifyQuote", answer)[0] as Claims;
      expect(claims.body).toBe(toHex(parseQuote(bytes).body));
      expect(claims.fmspc).toBe(`0x${entry.fmspc}`);

      for (let flip = 0; flip < FLIPS; flip += 1) {
        const position = (flip * STRIDE) % evidence.length;
        const changed = evidence.with(position, (evidence[position] ?? 0) ^ (1 << (flip % 8)));
        const outcome = await verifyOnChain(changed, time).catch(() => "refused" as const);
        // ABI padding and the lengths that a quote repeats outside what is signed carry no claim.
        if (outcome !== "refused") expect({ position, outcome }).toEqual({ position, outcome: answer });
      }
      await expect(verifyOnChain(evidence, time + 40 * 365 * DAY_SECONDS)).rejects.toThrow();
    },
  );

  test.for(quotes.slice(0, 1))("nothing of a quote whose signed bytes differ in one bit", async (entry) => {
    const bytes = readVector(entry);
    const { signed } = parseQuote(bytes);
    const time = goodTime(entry);
    for (let position = 0; position < signed.length; position += 13) {
      const evidence = encodeTdxEvidence(bytes, { intermediate: "include" });
      // The quote is the first member: 9 words of head, one offset before them, one length.
      const at = 32 + 9 * 32 + 32 + position;
      evidence[at] = (evidence[at] ?? 0) ^ 0x01;
      await expect(verifyOnChain(evidence, time)).rejects.toThrow();
    }
  });
});

const bodyOf = (entry: VectorEntry): Uint8Array => parseQuote(readVector(entry)).body;

/** Why a TD is refused, read from the bits that Intel names (TDX Module 1.5 ABI, TD_PARAMS), or null. */
function refusalOf(body: Uint8Array, hasRule: boolean): string | null {
  const attributes = new DataView(body.buffer, body.byteOffset + 120, 8).getBigUint64(0, true);
  const has = (bit: bigint): boolean => ((attributes >> bit) & 1n) === 1n;
  if ((attributes & 0xffn) !== 0n) return "DebugEnabled";
  const isServiceTdShown = body.length === 648;
  if (isServiceTdShown && body.subarray(600).some((byte) => byte !== 0)) return "ServiceTdBound";
  if (has(29n) && !isServiceTdShown) return "ServiceTdNotShown";
  const isOrdinary = has(28n) && !has(29n) && !has(63n);
  return isOrdinary || hasRule ? null : "AppraisalRefused";
}

/** The name of the error that a quote is refused with before its measurement is looked at, or null. */
async function refusalOnChain(entry: VectorEntry, policyId: string): Promise<string | null> {
  const evidence = encodeTdxEvidence(readVector(entry), { intermediate: "include" });
  const data = codec.encodeFunctionData("appraise", [policyId, keccak256("0x"), evidence]);
  const error: unknown = await callAt(data, goodTime(entry)).catch((caught: unknown) => caught);
  const revert = isCallException(error) ? error.data : null;
  const parsed = codec.parseError(
    revert ?? (error as { info?: { error?: { data?: string } } }).info?.error?.data ?? "0x",
  );
  if (parsed === null) throw new Error("no error of the verifier's", { cause: error });
  // Confined, so that its report data is looked at, which is not what was asked for.
  return parsed.name === "ReportDataMismatch" ? null : parsed.name;
}

describe.skipIf(!HAS_VECTORS)("judges on chain how a TD is confined", () => {
  test.for(quotes.map((entry) => ({ name: `${entry.kind} ${entry.id}`, entry })))(
    "$name",
    async ({ entry }) => {
      const body = bodyOf(entry);
      expect(await refusalOnChain(entry, ZeroHash)).toBe(refusalOf(body, false));
      expect(await refusalOnChain(entry, permissivePolicy)).toBe(refusalOf(body, true));
    },
  );

  test("each way to be refused has a real quote", () => {
    const refusals = quotes.map((entry) => refusalOf(bodyOf(entry), false));
    expect(new Set(refusals)).toEqual(new Set([null, "AppraisalRefused", "ServiceTdBound"]));
  });
});
