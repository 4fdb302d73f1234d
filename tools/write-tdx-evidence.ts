/** Writes tests/vectors/protocol/tdx-evidence.json: what `TdxVerifier` is given for the simulator's quote. Vitest and Forge read it. */

import { readFileSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { toOnChainRoot } from "../attestation/onchain/root.ts";
import { encodeTdxEvidence } from "../attestation/onchain/tdx-evidence.ts";
import { findPckChain } from "../attestation/intel/pck-chain.ts";
import { parseQuote } from "../attestation/intel/quote.ts";
import { fromHex, isHex, toHex } from "../protocol/bytes.ts";

const VECTORS = new URL("../tests/vectors/protocol/", import.meta.url);

const SimulatorQuote = z.object({ quote: z.custom(isHex), platformId: z.custom(isHex) });

const source = SimulatorQuote.parse(
  JSON.parse(readFileSync(new URL("simulator-quote.json", VECTORS), "utf8")),
);
const quote = fromHex(String(source.quote));
const parsed = parseQuote(quote);
const { certificates } = findPckChain(parsed, undefined);
const root = certificates.find(({ issuer, subject }) => issuer === subject);
if (root === undefined) throw new Error("the simulator's quote carries no root");

const vector = {
  root: toOnChainRoot(root),
  evidence: toHex(encodeTdxEvidence(quote, { intermediate: "include" })),
  evidenceWithoutIntermediate: toHex(encodeTdxEvidence(quote, { intermediate: "omit" })),
  body: toHex(parsed.body),
  ppid: source.platformId,
};
writeFileSync(new URL("tdx-evidence.json", VECTORS), `${JSON.stringify(vector, null, 2)}\n`);
