import { CHAIN_TARGETS } from "./chain-targets.ts";
import { DOCUMENT_TARGETS } from "./document-targets.ts";
import { INTEL_TARGETS } from "./intel-targets.ts";
import { JSON_NUMBER_TARGETS } from "./json-number-targets.ts";
import { MODEL_STREAM_TARGETS } from "./model-stream-targets.ts";
import { PAGE_TARGETS } from "./page-targets.ts";
import { RECEIPT_TARGETS } from "./receipt-targets.ts";
import { SCHEMA_TARGETS } from "./schema-targets.ts";
import { SHAPE_TARGETS } from "./shape-targets.ts";
import type { FuzzTarget } from "./target.ts";
import { VENDOR_TARGETS } from "./vendor-targets.ts";

/** Everything that `npm run fuzz` throws inputs at. */
export const TARGETS: readonly FuzzTarget[] = [
  ...INTEL_TARGETS,
  ...VENDOR_TARGETS,
  ...DOCUMENT_TARGETS,
  ...RECEIPT_TARGETS,
  ...SHAPE_TARGETS,
  ...MODEL_STREAM_TARGETS,
  ...SCHEMA_TARGETS,
  ...JSON_NUMBER_TARGETS,
  ...PAGE_TARGETS,
  ...CHAIN_TARGETS,
];
