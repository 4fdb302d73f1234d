/** Writes what of `examples/evidence` is of our own making: `node tools/write-example-evidence.ts`. All of it is simulated. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { POLICY_SCHEMA_URL, proposePolicy, verifyEvidence } from "../attestation/index.ts";
import { flipBit } from "../tests/support/fake-x509.ts";
import { createSampleReceipt } from "../tests/support/sample-receipt.ts";
import { SIMULATED_NOW, simulatedQuote } from "../tests/support/simulated-evidence.ts";

const FOLDER = join(import.meta.dirname, "..", "examples", "evidence");

/** A bit of MRTD, which the quote's signature covers: 48 bytes of header, 136 of the body before it. */
const MRTD_BIT = 8 * (48 + 136);

const quote = await simulatedQuote(new Uint8Array(64).fill(0x5a, 0, 32));
const policy = proposePolicy(await verifyEvidence(quote, {}, { now: SIMULATED_NOW }));
const files: readonly (readonly [string, Uint8Array | string])[] = [
  ["simulated-quote.bin", quote],
  ["simulated-quote-altered.bin", flipBit(quote, MRTD_BIT)],
  ["simulated-policy.json", `${JSON.stringify({ $schema: POLICY_SCHEMA_URL, ...policy }, null, 2)}\n`],
  ["simulated-receipt.json", await createSampleReceipt({ where: "off chain" })],
];
for (const [name, content] of files) writeFileSync(join(FOLDER, name), content);
