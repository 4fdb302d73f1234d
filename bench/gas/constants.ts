import { readFileSync } from "node:fs";
import type { OnChainRoot } from "../../attestation/onchain/root.ts";
import type { Hex } from "../../protocol/bytes.ts";

/** anvil's. */
export const CHAIN_ID = 31_337n;

export const BEHAVIOUR: Hex = `0x${"be".repeat(32)}`;

const vector = new URL("../../tests/vectors/protocol/tdx-evidence.json", import.meta.url);

/** The root under which the simulator mints quotes. */
export const SIMULATOR_ROOT = (JSON.parse(readFileSync(vector, "utf8")) as { root: OnChainRoot }).root;
