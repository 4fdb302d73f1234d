import type { FuzzTarget } from "./target.ts";
import { VENDOR_TARGETS } from "./vendor-targets.ts";

/** Everything that `npm run fuzz` throws inputs at. */
export const TARGETS: readonly FuzzTarget[] = [...VENDOR_TARGETS];
