/**
 * Real TDX quotes through `TdxVerifier` on a chain, each at a time when it was good: the contract returns what the quote
 * says, and refuses it with any bit of it changed. The quotes are not in this repository (docs/reference/vectors.md).
 */

import { ContractFactory, JsonRpcProvider, ZeroAddress, type BytesLike } from "ethers";
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
  const data = codec.encodeFunctionData("verifyQuote", [evidence]);
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
