import type { Hex } from "../../protocol/bytes.ts";

/** "ADYTON-SIMULATOR" in ASCII: a quoting enclave's vendor that no hardware has. */
export const SIMULATOR_QE_VENDOR_ID: Hex = "0x414459544f4e2d53494d554c41544f52";
