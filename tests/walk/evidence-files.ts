/** The files that docs/how-to/verify-evidence.md names: quotes of the simulator, and the collateral for them. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SIMULATOR_COLLATERAL } from "../../attestation/simulator/collateral.ts";
import { concatBytes, fromHex } from "../../protocol/bytes.ts";
import { SIMULATED_TIME, simulatedQuote } from "../support/simulated-evidence.ts";

/** What the page demands of the quote. */
const NONCE = fromHex("0x5566778899aabbccddeeff00112233445566778899aabbccddeeff0011223344");

/** @returns the time at which they are in date */
export async function writeEvidence(folder: string): Promise<string> {
  writeFileSync(join(folder, "quote.bin"), await simulatedQuote(concatBytes(NONCE, new Uint8Array(32))));
  const measurements = { mrTd: `0x${"01".repeat(48)}` } as const;
  writeFileSync(join(folder, "other-quote.bin"), await simulatedQuote(new Uint8Array(64), { measurements }));
  mkdirSync(join(folder, "endorsements"), { recursive: true });
  for (const path of ["collateral.json", "endorsements/intel.json"])
    writeFileSync(join(folder, path), JSON.stringify(SIMULATOR_COLLATERAL));
  return SIMULATED_TIME;
}
